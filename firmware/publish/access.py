"""What a master may write, and how often: the unlock sequence, the lock, and the wear of the flash."""

from micropython import const

# Written to `unlock` one after the other; nothing else, and nothing in between.
KEYS = (0x55AA, 0xAA55)
OPEN_S = const(60)  # the commands are open for this long
# A set of settings or counts goes to flash with every commit: so many in a row, then one a minute.
_COMMITS = const(10)
_REFILL_S = const(60)


class Access:
    """Time is the box's uptime in seconds, given with every call."""

    def __init__(self) -> None:
        self._entered = 0  # keys, in their order
        self._open_until_s = 0
        self._writes = _COMMITS
        self._refilled_s = 0

    def key(self, word: int, now_s: int) -> bool:
        """Take a key; False for a wrong one, which means to begin anew and closes what was open."""
        if word == KEYS[self._entered]:
            self._entered += 1
            if self._entered == len(KEYS):
                self._entered = 0
                self._open_until_s = now_s + OPEN_S
            return True
        self._entered = 0
        self._open_until_s = 0
        return False

    def open_s(self, now_s: int) -> int:
        """Return for how many more seconds commands are taken, 0 when they are not."""
        return max(0, self._open_until_s - now_s)

    def may_wear(self, now_s: int) -> bool:
        """Return whether something may be written to flash now."""
        refills = (now_s - self._refilled_s) // _REFILL_S
        if refills > 0:
            self._refilled_s += refills * _REFILL_S
            self._writes = min(_COMMITS, self._writes + refills)
        return self._writes > 0

    def worn(self) -> None:
        """Count something that will be written to flash."""
        self._writes -= 1

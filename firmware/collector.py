"""When memory is collected: the loop stands still for 20 ms then, so it chooses the moment.

The best one is right after a reply was started: the line is ours for as long as it takes, and the master
has to read it. Without a master any moment in which nothing is being switched will do.
"""

from micropython import const

from firmware.ticks import advance

_SOON_MS = const(4000)  # at most until the next one, after a reply; half as long again without one
# With little memory it must be sooner: the box uses up to 15 bytes a ms, and what fills the gaps after a
# collection is gone too. When twice this time has passed while something is being switched it is done all the
# same: the interpreter would soon choose the moment.
_BYTES_A_MS = const(30)
_LEAST_MS = const(500)
_FIRST_MS = const(1500)  # how much is free is only known after a collection


class Collector:
    """Calls `collect` now and then; `collections` counts how often."""

    def __init__(self, collect) -> None:
        self.collections = 0
        self._collect = collect
        self._since_ms = 0
        self._soon_ms = _FIRST_MS

    def hasten(self) -> None:
        """Have it done right after the next reply that is started."""
        self._since_ms = max(self._since_ms, self._soon_ms)

    def step(self, replied: bool, settled: bool, dt_ms: int) -> bool:
        """Collect if this is a good moment; True when it has.

        `replied`: a reply has been started since the last call; `settled`: nothing is being switched.
        """
        self._since_ms = advance(self._since_ms, dt_ms)
        soon_ms = self._soon_ms
        if self._since_ms < soon_ms:
            return False
        due = replied or self._since_ms >= soon_ms * 3 // 2
        if not (settled and due) and self._since_ms < 2 * soon_ms:
            return False
        soon_ms = self._collect() // _BYTES_A_MS
        self._soon_ms = max(_LEAST_MS, min(_SOON_MS, soon_ms))
        self.collections = (self.collections + 1) & 0x3FFFFFFF
        self._since_ms = 0
        return True

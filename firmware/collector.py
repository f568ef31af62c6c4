"""When memory is collected: the loop stands still for 20 ms then, so it chooses the moment.

The best one is right after a reply was started: the line is ours for as long as it takes, and the master
has to read it. Without a master any moment in which nothing is being switched will do.
"""

from micropython import const

from firmware.ticks import advance

_SOON_MS = const(4000)  # from here on after a reply
_LATE_MS = const(6000)  # from here on without one
# Should this much time pass while something is being switched, the interpreter would soon choose the moment.
_LATEST_MS = const(9000)


class Collector:
    """Calls `collect` now and then; `collections` counts how often."""

    def __init__(self, collect) -> None:
        self.collections = 0
        self._collect = collect
        self._since_ms = 0

    def hasten(self) -> None:
        """Have it done right after the next reply that is started."""
        self._since_ms = max(self._since_ms, _SOON_MS)

    def step(self, replied: bool, settled: bool, dt_ms: int) -> bool:
        """Collect if this is a good moment; True when it has.

        `replied`: a reply has been started since the last call; `settled`: nothing is being switched.
        """
        self._since_ms = advance(self._since_ms, dt_ms)
        if self._since_ms < _SOON_MS:
            return False
        due = replied or self._since_ms >= _LATE_MS
        if not (settled and due) and self._since_ms < _LATEST_MS:
            return False
        self._collect()
        self.collections = (self.collections + 1) & 0x3FFFFFFF
        self._since_ms = 0
        return True

"""The battery's state of charge as the master tells it, and how old that knowledge is."""

from micropython import const

from firmware.ticks import LONG_MS, advance

UNKNOWN = const(-1)
_AGE_TOP_S = const(65535)


class Battery:
    """State of charge `soc` in percent, -1 if it was never told."""

    def __init__(self) -> None:
        self.soc = UNKNOWN
        self._age_ms = LONG_MS

    def tell(self, percent: int) -> None:
        """Take a new state of charge, 0 to 100 percent; raises ValueError outside."""
        if not 0 <= percent <= 100:
            raise ValueError("state of charge must be 0 to 100 %%, not %s" % percent)
        self.soc = percent
        self._age_ms = 0

    def step(self, dt_ms: int) -> None:
        """Let the knowledge age."""
        self._age_ms = advance(self._age_ms, dt_ms)

    def age_s(self) -> int:
        """Return the age in seconds, at most 65535, which is also "never told"."""
        return min(self._age_ms // 1000, _AGE_TOP_S)

    def stale(self, limit_s: int) -> bool:
        """True when nothing was told for longer than `limit_s`, or ever."""
        return self.soc == UNKNOWN or self._age_ms > limit_s * 1000

"""The chip's own watchdog."""

from machine import WDT
from micropython import const

LONGEST_MS = const(8388)  # the RP2040 counts 24 bits at two counts a microsecond


class Watchdog:
    """Resets the chip unless fed within `timeout_ms`; runs from its construction and cannot be stopped.

    The default leaves room for a settings write of several sector erases (400 ms each at worst).
    """

    def __init__(self, timeout_ms: int = 4000) -> None:
        if not 0 < timeout_ms <= LONGEST_MS:
            raise ValueError("watchdog timeout must be 1 to %d ms, not %d" % (LONGEST_MS, timeout_ms))
        self._wdt = WDT(timeout=timeout_ms)

    def feed(self) -> None:
        """Start the time anew."""
        self._wdt.feed()

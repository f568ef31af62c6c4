"""Whether the watchdog may be fed: only while everything that guards the house is seen to advance."""

from micropython import const

from firmware.ticks import advance

# Far below the watchdog's own time, far above the longest collector pause (40 ms) or flash erase (400 ms).
_PATIENCE_MS = const(1000)


class Health:
    """Compares counters that must move: processed blocks, polls of the Modbus slave."""

    def __init__(self, counters: int) -> None:
        self._last = [0] * counters
        self._still_ms = [0] * counters

    def step(self, counts: tuple, dt_ms: int) -> bool:
        """Return True while each count has changed within the last second."""
        alive = True
        for n in range(len(self._last)):
            if counts[n] != self._last[n]:
                self._last[n] = counts[n]
                self._still_ms[n] = 0
            else:
                self._still_ms[n] = advance(self._still_ms[n], dt_ms)
                if self._still_ms[n] > _PATIENCE_MS:
                    alive = False
        return alive

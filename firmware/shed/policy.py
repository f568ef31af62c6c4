"""Which phases may be supplied in backup mode, by the battery's state of charge."""

from micropython import const

from firmware.shed.rules import PRIORITIES, SOC_MINIMA
from firmware.ticks import LONG_MS, advance

ALL_PHASES = const(7)


class Policy:
    """`permitted` holds bits 0 to 2 for L1 to L3.

    A phase is dropped below its limit and comes back `soc_hysteresis` above it (at 100 % at the
    latest), one phase at a time with `restore_gap_s` between them, the highest priority first. A
    stale state of charge changes nothing. Outside backup nothing is dropped.
    """

    def __init__(self, log) -> None:
        self.permitted = ALL_PHASES
        self._log = log
        self._since_restore_ms = LONG_MS

    def step(self, in_backup: bool, soc: int, stale: bool, settings: dict, dt_ms: int) -> int:
        """Advance by `dt_ms` with the state of charge in percent; return the permitted phases."""
        self._since_restore_ms = advance(self._since_restore_ms, dt_ms)
        if not in_backup or not settings["load_management_enable"]:
            if self.permitted != ALL_PHASES:
                self._change(ALL_PHASES, soc)
            self._since_restore_ms = LONG_MS
            return self.permitted
        if not stale:
            self._judge(soc, settings)
        return self.permitted

    def _judge(self, soc: int, settings: dict) -> None:
        permitted = self.permitted
        for phase in range(3):
            if soc < settings[SOC_MINIMA[phase]]:
                permitted &= ~(1 << phase)
        if permitted == self.permitted and self._since_restore_ms >= settings["restore_gap_s"] * 1000:
            phase = self._next_to_restore(soc, settings)
            if phase >= 0:
                permitted |= 1 << phase
                self._since_restore_ms = 0
        if permitted != self.permitted:
            self._change(permitted, soc)

    def _next_to_restore(self, soc: int, settings: dict) -> int:
        """Return the dropped phase of the highest priority that may come back, or -1."""
        best, best_priority = -1, 4
        for phase in range(3):
            limit = min(settings[SOC_MINIMA[phase]] + settings["soc_hysteresis"], 100)
            priority = settings[PRIORITIES[phase]]
            if not self.permitted >> phase & 1 and soc >= limit and priority < best_priority:
                best, best_priority = phase, priority
        return best

    def _change(self, permitted: int, soc: int) -> None:
        for phase in range(3):
            before, after = self.permitted >> phase & 1, permitted >> phase & 1
            if before != after:
                self._log.add("shed", phase=phase + 1, supplied=bool(after), soc=soc)
        self.permitted = permitted

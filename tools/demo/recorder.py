"""What the picture needs, sampled while the simulation runs: often around events, rarely between them."""

import math

from tools.units import InUnits

EVERY_MS = 10000.0
_CLOSELY_MS = 20.0
_AFTER_EVENT_MS = 2500.0


class Recorder:
    """Columns of values over time; every list is as long as `t_s`.

    `grid_v`, `load_v`, `backup_v` (V RMS of L1..L3), `grid_w`, `pv_w` (totals, as the box measures them),
    `house_w` (L1..L3, what the loads take: in backup the box has no meter for that, so it is the
    plant's), `soc`, `coils`, `state`, `countdown_s`.
    """

    def __init__(self) -> None:
        self.t_s: list[float] = []
        self.grid_v: list[list[float]] = []
        self.load_v: list[list[float]] = []
        self.backup_v: list[list[float]] = []
        self.grid_w: list[float] = []
        self.pv_w: list[float] = []
        self.house_w: list[list[float]] = []
        self.soc: list[int] = []
        self.coils: list[int] = []
        self.state: list[int] = []
        self.countdown_s: list[int] = []
        self._next_ms = 0.0
        self._closely_until_ms = 0.0

    def step(self, simulation, stirred: bool) -> None:
        """Take a sample when it is time for one; `stirred` says that something has just happened."""
        now_ms = simulation.t_ms
        if stirred:
            self._closely_until_ms = now_ms + _AFTER_EVENT_MS
        elif now_ms < self._next_ms:
            return
        self._next_ms = now_ms + (_CLOSELY_MS if now_ms < self._closely_until_ms else EVERY_MS)
        box, plant = simulation.box, simulation.plant
        readings = InUnits(box.readings)
        self.t_s.append(now_ms / 1000)
        self.grid_v.append(readings.v)
        self.load_v.append(readings.u)
        self.backup_v.append(readings.b)
        self.grid_w.append(readings.grid_p[3])
        self.pv_w.append(readings.pv_p[3])
        self.house_w.append([_house_w(plant, phase) for phase in range(3)])
        self.soc.append(box.battery.soc)
        self.coils.append(box.coils)
        self.state.append(box.state)
        self.countdown_s.append(box.countdown_s)


def _house_w(plant, phase: int) -> float:
    amperes, lag, _pv = plant.currents(phase)
    return plant.load_volts(phase) * amperes * math.cos(lag)

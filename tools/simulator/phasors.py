"""A front end that is fed with RMS values instead of samples, for long runs.

It stands where firmware/supervise/front_end.py stands and keeps to the same counts, so that all
decisions behind the measurement are the firmware's own. What happens within a cycle is not seen.
"""

import math

from micropython import const

from firmware.acquire.calibration import Calibration
from firmware.acquire.layout import VOLTAGE_CHANNELS
from firmware.measure.energy import Energy
from firmware.measure.frequency import RIGHT, UNKNOWN, WRONG
from firmware.measure.levels import LEVEL_SAMPLES, Levels
from firmware.measure.readings import Readings, complete
from firmware.supervise.watch import Watch

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from collections.abc import Callable

_LEAST_V = 20.0


class PhasorFrequency:
    """The frequency and sequence that the phasors have."""

    def __init__(self) -> None:
        self.hz = 0.0
        self.smooth_hz = 0.0
        self.sequence = UNKNOWN


class PhasorMeter:
    """Readings, set from outside."""

    def __init__(self) -> None:
        self.readings = Readings()
        self.frequency = PhasorFrequency()
        self.energy = Energy()

    def collect(self) -> bool:
        """There is nothing to collect: `PhasorFrontEnd.feed` sets the readings."""
        return False


class PhasorFrontEnd:
    """As FrontEnd, with `feed(plant, dt_ms)` in the place of sample blocks."""

    def __init__(self) -> None:
        self.blocks = 0
        self.lost_blocks = 0
        self.open_grid: Callable[[], None] | None = None
        self.calibration = Calibration()
        self.levels = Levels()
        self.watch = Watch(self.levels.half, self.levels.level)
        self.meter = PhasorMeter()
        self._rest_ms = 0.0
        self._energy_ms = 0.0
        self._version = -1
        # Filters of the sampled levels are 15 ms long; here a change is seen at the next feed.
        self._factor = [LEVEL_SAMPLES / self.calibration.gain[n] ** 2 for n in VOLTAGE_CHANNELS]

    def feed(self, plant, dt_ms: float) -> None:
        """Take the plant's present phasors as the state since the last feed."""
        if plant.version != self._version:
            self._version = plant.version
            self._take(plant)
        self._rest_ms += dt_ms
        blocks = int(self._rest_ms / 2.5)
        self._rest_ms -= 2.5 * blocks
        if blocks:
            self.blocks = (self.blocks + blocks) & 0x3FFFFFFF
            if self.watch.judge(blocks) and self.open_grid is not None:
                self.open_grid()
        self._energy_ms += dt_ms
        whole_ms = int(self._energy_ms)
        self._energy_ms -= whole_ms
        self.meter.energy.add(self.meter.readings.grid_p, self.meter.readings.pv_p, whole_ms)

    def _take(self, plant) -> None:
        readings = self.meter.readings
        for phase in range(3):
            readings.v[phase] = plant.grid_volts(phase)
            readings.u[phase] = plant.load_volts(phase)
            readings.b[phase] = plant.backup_volts(phase)
            self._powers(plant, phase)
        complete(readings.grid_p, readings.grid_q, readings.grid_s, readings.grid_pf)
        complete(readings.pv_p, readings.pv_q, readings.pv_s, readings.pv_pf)
        half, level = self.levels.half, self.levels.level
        for channel, volts in enumerate(readings.v + readings.u + readings.b):
            square = int(volts * volts * self._factor[channel])
            level[channel] = square
            half[channel] = square >> 1
        frequency = self.meter.frequency
        seen = max(readings.v) > _LEAST_V
        readings.frequency = frequency.hz = frequency.smooth_hz = plant.grid_hz if seen else 0.0
        frequency.sequence = _sequence(plant) if min(readings.v) > _LEAST_V else UNKNOWN

    def _powers(self, plant, phase: int) -> None:
        readings = self.meter.readings
        load, lag, pv = plant.currents(phase)
        volts = plant.load_volts(phase)
        readings.pv_i[phase] = pv
        readings.pv_p[phase] = readings.pv_s[phase] = volts * pv
        if plant.contactors[0].main:
            along, across = load * math.cos(lag) - pv, load * math.sin(lag)
        else:
            along = across = 0.0
        readings.i[phase] = math.sqrt(along * along + across * across)
        readings.grid_p[phase] = volts * along
        readings.grid_q[phase] = volts * across
        readings.grid_s[phase] = volts * readings.i[phase]


def _sequence(plant) -> int:
    for first, second in ((0, 1), (1, 2)):
        lag = (plant.grid_deg[first] - plant.grid_deg[second]) % 360
        if not 90 < lag < 150:
            return WRONG
    return RIGHT

"""A front end that is fed with RMS values instead of samples, for long runs.

It stands where firmware/supervise/front_end.py stands and keeps to the same counts, so that all
decisions behind the measurement are the firmware's own. What happens within a cycle is not seen.
"""

import math

from micropython import const

from firmware.acquire.calibration import Calibration
from firmware.acquire.layout import CHANNELS, VOLTAGE_CHANNELS
from firmware.measure.energy import Energy
from firmware.measure.frequency import RIGHT, UNKNOWN, WRONG
from firmware.measure.levels import LEVEL_SAMPLES, Levels
from firmware.measure.memory import Memory
from firmware.measure.readings import Readings
from firmware.supervise.watch import Watch

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from collections.abc import Callable

_LEAST_V = 20.0
_TELL_MS = 1000.0


class PhasorFrequency:
    """The frequency and sequence that the phasors have."""

    def __init__(self) -> None:
        self.mhz = 0
        self.smooth_mhz = 0
        self.sequence = UNKNOWN


class PhasorMeter:
    """Readings, set from outside."""

    def __init__(self) -> None:
        self.readings = Readings()
        self.frequency = PhasorFrequency()
        self.energy = Energy()
        self.flaws = bytearray(len(CHANNELS))
        self.count = 0  # sets of readings so far

    def follow(self) -> bool:
        """There is nothing to follow: `PhasorFrontEnd.feed` sets the frequency."""
        return False

    def step(self) -> bool:
        """There is nothing to evaluate: `PhasorFrontEnd.feed` sets the readings."""
        return False


class PhasorFrontEnd:
    """As FrontEnd, with `feed(plant, dt_ms)` in the place of sample blocks."""

    def __init__(self) -> None:
        self.blocks = 0
        self.lost_blocks = 0
        self.open_grid: Callable[[], None] | None = None
        self.calibration = Calibration()
        memory = Memory()
        self.levels = Levels(memory)
        self.watch = Watch(memory)
        self.meter = PhasorMeter()
        self._rest_ms = 0.0
        self._energy_ms = 0.0
        self._told_ms = 0.0  # since the readings last counted as new
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
        self._told_ms += dt_ms
        if self._told_ms >= _TELL_MS:
            self._told_ms = 0.0
            self.meter.count += 1
        self._energy_ms += dt_ms
        whole_ms = int(self._energy_ms)
        self._energy_ms -= whole_ms
        self.meter.energy.add(self.meter.readings.grid_p_cw, self.meter.readings.pv_p_cw, whole_ms)

    def _take(self, plant) -> None:
        readings = self.meter.readings
        volts = [plant.grid_volts(n) for n in range(3)]
        sequence = _sequence(plant) if min(volts) > _LEAST_V else UNKNOWN
        mhz = int(plant.grid_hz * 1000 + 0.5) if max(volts) > _LEAST_V else 0
        volts += [plant.load_volts(n) for n in range(3)] + [plant.backup_volts(n) for n in range(3)]
        half, level = self.levels.half, self.levels.level
        for channel, value in enumerate(volts):
            square = int(value * value * self._factor[channel])
            level[channel] = square
            if channel < 3:
                half[channel] = square >> 1
        for phase in range(3):
            readings.v_cv[phase] = _rounded(volts[phase] * 100)
            readings.u_cv[phase] = _rounded(volts[3 + phase] * 100)
            readings.b_cv[phase] = _rounded(volts[6 + phase] * 100)
            self._powers(plant, phase, volts[3 + phase])
        readings.complete()
        frequency = self.meter.frequency
        readings.frequency_mhz = frequency.mhz = frequency.smooth_mhz = mhz
        frequency.sequence = sequence
        self.meter.count += 1

    def _powers(self, plant, phase: int, volts: float) -> None:
        readings = self.meter.readings
        load, lag, pv = plant.currents(phase)
        readings.pv_i_ma[phase] = _rounded(pv * 1000)
        readings.pv_p_cw[phase] = readings.pv_s_cva[phase] = _rounded(volts * pv * 100)
        if plant.contactors[0].main:
            along, across = load * math.cos(lag) - pv, load * math.sin(lag)
        else:
            along = across = 0.0
        amperes = math.sqrt(along * along + across * across)
        readings.i_ma[phase] = _rounded(amperes * 1000)
        readings.grid_p_cw[phase] = _rounded(volts * along * 100)
        readings.grid_q_cvar[phase] = _rounded(volts * across * 100)
        readings.grid_s_cva[phase] = _rounded(volts * amperes * 100)


def _rounded(value: float) -> int:
    return int(value + 0.5) if value >= 0 else -int(0.5 - value)


def _sequence(plant) -> int:
    for first, second in ((0, 1), (1, 2)):
        lag = (plant.grid_deg[first] - plant.grid_deg[second]) % 360
        if not 90 < lag < 150:
            return WRONG
    return RIGHT

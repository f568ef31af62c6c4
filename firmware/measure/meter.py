"""From window sums to readings, on the loop's side, ten times a second."""

import math

from firmware.acquire.calibration import Calibration
from firmware.acquire.layout import MID_CODE, VOLTAGE_CHANNELS
from firmware.measure.energy import Energy
from firmware.measure.frequency import Frequency
from firmware.measure.kernel import BACKUP_SUMS, PAIR_SUMS, QY, XX, XY, YY, X, Y
from firmware.measure.levels import Levels
from firmware.measure.phasor import Phasors
from firmware.measure.readings import Readings, complete
from firmware.measure.window import HOP_MS, WINDOW_WEIGHT, Windows

_QUARTER_S = 0.005  # the delay behind the reactive power: 16 scans
# The running offsets follow the measured means this far; beyond it an input is not at rest but broken.
_OFFSET_LIMIT = 400


class Meter:
    """Collects finished windows and cycles into `readings`, `frequency` and `energy`.

    The mean of each channel over a window is its offset: it is taken out of every product, and handed
    to the levels, so that a drifting bias voltage changes neither a reading nor a limit.
    """

    def __init__(
        self, windows: Windows, phasors: Phasors, levels: Levels, calibration: Calibration, phases: int = 3
    ) -> None:
        self.readings = Readings()
        self.frequency = Frequency(phases)
        self.energy = Energy()
        self.count = 0
        self._windows = windows
        self._phasors = phasors
        self._levels = levels
        self._calibration = calibration
        for channel, number in enumerate(VOLTAGE_CHANNELS):
            levels.rest[channel] = MID_CODE + calibration.offset[number]

    def collect(self) -> bool:
        """Take whatever the interrupt has finished; True when the readings are new."""
        while self._phasors.take():
            self.frequency.update(self._phasors.values, self._phasors.gap)
        new = False
        while self._windows.take():
            self._window(self._windows.totals)
            self.energy.add(self.readings.grid_p, self.readings.pv_p, HOP_MS)
            self.count = (self.count + 1) & 0x3FFFFFFF
            new = True
        return new

    def _window(self, totals: list) -> None:
        readings = self.readings
        readings.frequency = self.frequency.smooth_hz
        for phase in range(3):
            self._pair(
                totals,
                phase,
                phase,
                readings.v,
                readings.i,
                (readings.grid_p, readings.grid_q, readings.grid_s),
            )
            self._pair(
                totals,
                phase + 3,
                phase,
                readings.u,
                readings.pv_i,
                (readings.pv_p, readings.pv_q, readings.pv_s),
            )
            at = BACKUP_SUMS + 2 * phase
            number = VOLTAGE_CHANNELS[phase + 6]
            mean = totals[at] / WINDOW_WEIGHT
            square = totals[at + 1] / WINDOW_WEIGHT - mean * mean
            readings.b[phase] = math.sqrt(max(square, 0.0)) * self._calibration.gain[number]
            self._track(phase + 6, mean)
        complete(readings.grid_p, readings.grid_q, readings.grid_s, readings.grid_pf)
        complete(readings.pv_p, readings.pv_q, readings.pv_s, readings.pv_pf)

    def _pair(
        self, totals: list, slot: int, phase: int, volts: list, amperes: list, powers: tuple[list, list, list]
    ) -> None:
        """One voltage and the current of the same slot: RMS values and powers of one phase."""
        gain, polarity = self._calibration.gain, self._calibration.polarity
        lag = self._calibration.phase_deg
        at = PAIR_SUMS * slot
        mean_x = totals[at + X] / WINDOW_WEIGHT
        mean_y = totals[at + Y] / WINDOW_WEIGHT
        volts[phase] = math.sqrt(max(totals[at + XX] / WINDOW_WEIGHT - mean_x * mean_x, 0.0)) * gain[slot]
        amperes[phase] = (
            math.sqrt(max(totals[at + YY] / WINDOW_WEIGHT - mean_y * mean_y, 0.0)) * gain[slot + 8]
        )
        scale = gain[slot] * gain[slot + 8] * polarity[slot] * polarity[slot + 8]
        direct = (totals[at + XY] / WINDOW_WEIGHT - mean_x * mean_y) * scale
        delayed = (totals[at + QY] / WINDOW_WEIGHT - mean_x * mean_y) * scale
        # With v = V cos(wt), i = I cos(wt - phi) and the voltage delayed by the angle theta, the mean
        # product is VI cos(phi - theta); theta is 90 degrees at 50 Hz only.
        hz = self.readings.frequency or 50.0
        theta = 2 * math.pi * hz * _QUARTER_S
        reactive = (delayed - direct * math.cos(theta)) / math.sin(theta)
        error = math.radians(lag[slot + 8] - lag[slot]) * hz / 50.0  # measured phi is too large by this
        p, q, s = powers
        p[phase] = direct * math.cos(error) + reactive * math.sin(error)
        q[phase] = reactive * math.cos(error) - direct * math.sin(error)
        s[phase] = volts[phase] * amperes[phase]
        self._track(slot, mean_x)

    def _track(self, channel: int, mean: float) -> None:
        """Let a voltage channel's running offset follow the measured mean."""
        if -_OFFSET_LIMIT <= mean <= _OFFSET_LIMIT:
            self._levels.rest[channel] = MID_CODE + int(round(mean))

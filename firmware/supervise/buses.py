"""What the voltage levels say of the load bus and of the backup output: live, dead, usable."""

from array import array

from firmware.acquire.calibration import Calibration
from firmware.acquire.layout import VOLTAGE_CHANNELS
from firmware.measure.levels import LEVEL_SAMPLES
from firmware.supervise.watch import DIP_UN, NOMINAL_V, mean_square

_U, _B = 3, 6  # first channel of the load bus and of the backup output among the nine voltages


class Buses:
    """Compares the running levels with limits, as integers. Phases are numbered 0 to 2 here.

    Where the load bus is not `measured` nothing contradicts the contactors: it passes for live, and for dead,
    and what their feedback and the dead time say is all there is.
    """

    def __init__(self, level: array, measured: bool = True) -> None:
        self._level = level
        self._measured = measured
        self._dead = [0] * 9
        self._live = [0] * 9
        self._low = [0] * 3
        self._high = [0] * 3

    def set_limits(self, settings: dict, calibration: Calibration) -> None:
        """Take the voltage limits from the settings."""
        for channel in range(9):
            gain = calibration.gain[VOLTAGE_CHANNELS[channel]]
            self._dead[channel] = mean_square(settings["dead_bus_dv"] / 10, gain, LEVEL_SAMPLES)
            self._live[channel] = mean_square(DIP_UN * NOMINAL_V, gain, LEVEL_SAMPLES)
        for phase in range(3):
            gain = calibration.gain[VOLTAGE_CHANNELS[_B + phase]]
            self._low[phase] = mean_square(settings["backup_low_dv"] / 10, gain, LEVEL_SAMPLES)
            self._high[phase] = mean_square(settings["backup_high_dv"] / 10, gain, LEVEL_SAMPLES)

    def grid_live(self, phase: int) -> bool:
        """True when the grid voltage is above 0.45 Un."""
        return self._level[phase] > self._live[phase]

    def load_live(self, phase: int) -> bool:
        """True when the load bus is above 0.45 Un: the phase is supplied."""
        return not self._measured or self._level[_U + phase] > self._live[_U + phase]

    def all_live(self) -> bool:
        """True when every live phase of the grid is live on the load bus too."""
        level, live = self._level, self._live
        for phase in range(3):
            if level[_U + phase] <= live[_U + phase] and level[phase] > live[phase]:
                return not self._measured
        return True

    def load_dead(self, phase: int) -> bool:
        """True when the load bus is below the dead-bus limit: it may be closed onto."""
        return not self._measured or self._level[_U + phase] < self._dead[_U + phase]

    def backup_live(self, phase: int) -> bool:
        """True when the backup output is above 0.45 Un."""
        return self._level[_B + phase] > self._live[_B + phase]

    def backup_usable(self, phase: int) -> bool:
        """True when the backup output is inside its band."""
        return self._low[phase] <= self._level[_B + phase] <= self._high[phase]

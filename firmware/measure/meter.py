"""From window sums to readings, on the loop's side, ten times a second, in small steps."""

import math

from micropython import const

from firmware.acquire.calibration import Calibration
from firmware.acquire.layout import CHANNELS, MID_CODE, VOLTAGE_CHANNELS
from firmware.measure.energy import Energy
from firmware.measure.fixed import apparent, covariance, factor_of, root, scaled
from firmware.measure.flaws import flaw_of
from firmware.measure.frequency import NOMINAL_MHZ, Frequency
from firmware.measure.kernel import BACKUP_SUMS, PAIR_SUMS, QY, XX, XY, YY, X, Y
from firmware.measure.levels import Levels
from firmware.measure.phasor import Phasors
from firmware.measure.readings import Readings
from firmware.measure.window import HOP_MS, Windows
from firmware.signals import CHANNEL_ABSENT, CHANNEL_STUCK

# Below this the delay of 16 scans (5 ms) is so far from a quarter cycle that no reactive power can be told.
_LEAST_MHZ = const(30000)
_MOST_MHZ = const(70000)
# The running offsets follow the measured means this far; beyond it an input is not at rest but broken.
_OFFSET_LIMIT = const(400)
# So many lost windows (100 ms) in a row are counted with the power that came after them: three erases.
_MOST_LOST = const(12)
_IDLE = const(-1)
_PAIRS = const(6)
_STEPS = const(11)  # of a window: take it, six pairs, backup voltages, totals, energy; then it is published


class Meter:
    """Collects finished windows and cycles into `readings`, `frequency`, `energy` and `flaws`.

    The mean of each channel over a window is its offset: it is taken out of every product, and handed
    to the levels, so that a drifting bias voltage changes neither a reading nor a limit.

    `readings` is always a whole set: the next one is worked out beside it, and put in its place when it is
    complete. `flaws` says of each channel in the order of `CHANNELS` whether it can be right
    (signals.FLAW_NAMES). What an absent or stuck channel measures is 0, and is not counted.
    """

    def __init__(
        self, windows: Windows, phasors: Phasors, levels: Levels, calibration: Calibration, phases: int = 3
    ) -> None:
        self.readings = Readings()
        self.frequency = Frequency(phases)
        self.energy = Energy()
        self.count = 0
        self.flaws = bytearray(len(CHANNELS))
        self._coming = Readings()
        self._lost = 0  # windows that were never seen, and are counted
        self._step = _IDLE
        self._hops = -1  # nothing is left of these
        self._windows = windows
        self._phasors = phasors
        self._levels = levels
        self._turn_mhz = 0  # the frequency that _cosine and _sine belong to
        self._cosine = (0, 0)
        self._cosine_negative = False
        self._inverse_sine = (0, 0)
        self._factors = [_pair_factors(calibration, slot) for slot in range(_PAIRS)]
        self._backup_factors = [
            factor_of(calibration.gain[number] * 100 / 256) for number in VOLTAGE_CHANNELS[_PAIRS:]
        ]
        for channel, number in enumerate(VOLTAGE_CHANNELS):
            levels.rest[channel] = MID_CODE + calibration.offset[number]

    def collect(self) -> bool:
        """Take everything that the interrupt has finished; True when the readings are new."""
        count = self.count
        while self.follow() or self.step():
            pass
        return self.count != count

    def follow(self) -> bool:
        """Take one finished cycle into the frequency; False when there is none."""
        if not self._phasors.take():
            return False
        self.frequency.update(self._phasors.values, self._phasors.gap)
        return True

    def step(self) -> bool:
        """Do one step of a finished window; False when there is none. `count` tells of a complete one."""
        step = self._step
        if step == _IDLE:
            hops = self._windows.hops
            if hops == self._hops:
                return False
            if not self._windows.take():
                self._hops = hops
                return False
            self._begin()
        elif step < _PAIRS:
            self._pair(step)
        elif step < _PAIRS + 3:
            self._backup(step - _PAIRS)
        elif step == _PAIRS + 3:
            self._coming.complete()
        else:
            self._publish()
            self._step = _IDLE
            return True
        self._step = step + 1
        return True

    def _begin(self) -> None:
        mhz = self.frequency.smooth_mhz
        self._coming.frequency_mhz = mhz
        if not _LEAST_MHZ <= mhz <= _MOST_MHZ:
            mhz = NOMINAL_MHZ
        if mhz != self._turn_mhz:
            # With v = V cos(wt), i = I cos(wt - phi) and the voltage delayed by the angle theta, the mean
            # product is VI cos(phi - theta); theta is 90 degrees at 50 Hz only.
            theta = math.pi * mhz / 100000
            cosine = math.cos(theta)
            self._turn_mhz = mhz
            self._cosine = factor_of(abs(cosine) if abs(cosine) > 0.00001 else 0.0)
            self._cosine_negative = cosine < 0
            self._inverse_sine = factor_of(1 / math.sin(theta))

    def _pair(self, slot: int) -> None:
        """One voltage and the current of the same slot: RMS values and powers of one phase."""
        coming = self._coming
        phase = slot % 3
        if slot < 3:
            volts, amperes = coming.v_cv, coming.i_ma
            p, q, s = coming.grid_p_cw, coming.grid_q_cvar, coming.grid_s_cva
        else:
            volts, amperes = coming.u_cv, coming.pv_i_ma
            p, q, s = coming.pv_p_cw, coming.pv_q_cvar, coming.pv_s_cva
        means = self._windows.means
        at = PAIR_SUMS * slot
        x, y = means[at + X], means[at + Y]
        square_x = covariance(means[at + XX], x, x)
        square_y = covariance(means[at + YY], y, y)
        to_cv, to_ma, to_cw, negative, lag = self._factors[slot]
        volts[phase] = scaled(root(square_x), to_cv[0], to_cv[1])
        amperes[phase] = scaled(root(square_y), to_ma[0], to_ma[1])
        direct = scaled(covariance(means[at + XY], x, y), to_cw[0], to_cw[1])
        delayed = scaled(covariance(means[at + QY], x, y), to_cw[0], to_cw[1])
        turned = scaled(direct, self._cosine[0], self._cosine[1])
        reactive = delayed + turned if self._cosine_negative else delayed - turned
        reactive = scaled(reactive, self._inverse_sine[0], self._inverse_sine[1])
        if negative:
            direct, reactive = -direct, -reactive
        if lag:  # the measured phi is too large by this angle
            error = lag * self._turn_mhz / NOMINAL_MHZ
            cosine, sine = math.cos(error), math.sin(error)
            direct, reactive = (
                int(round(direct * cosine + reactive * sine)),
                int(round(reactive * cosine - direct * sine)),
            )
        p[phase], q[phase] = direct, reactive
        s[phase] = apparent(volts[phase], amperes[phase])
        self._track(slot, x)
        noise = slot < 3 and not self.frequency.is_mains(slot, square_x)
        if self._flawed(slot, x, square_x, noise):
            volts[phase] = p[phase] = q[phase] = s[phase] = 0
        if self._flawed(slot + 8, y, square_y, False):
            amperes[phase] = p[phase] = q[phase] = s[phase] = 0

    def _backup(self, phase: int) -> None:
        means = self._windows.means
        at = BACKUP_SUMS + 2 * phase
        mean = means[at]
        square = covariance(means[at + 1], mean, mean)
        to_cv = self._backup_factors[phase]
        self._coming.b_cv[phase] = scaled(root(square), to_cv[0], to_cv[1])
        self._track(phase + _PAIRS, mean)
        if self._flawed(VOLTAGE_CHANNELS[phase + _PAIRS], mean, square, False):
            self._coming.b_cv[phase] = 0

    def _publish(self) -> None:
        self.readings, self._coming = self._coming, self.readings
        # What the loop was too late for, because a write to flash took long, went on like this.
        lost = self._windows.lost
        for _ in range(1 + min(lost - self._lost, _MOST_LOST)):
            self.energy.add(self.readings.grid_p_cw, self.readings.pv_p_cw, HOP_MS)
        self._lost = lost
        self.count = (self.count + 1) & 0x3FFFFFFF

    def _flawed(self, channel: int, mean: int, square: int, noise: bool) -> bool:
        """Note what is wrong with a channel; True when nothing that it says is of any use."""
        flaw = flaw_of(mean, square, noise)
        self.flaws[channel] = flaw
        return flaw == CHANNEL_ABSENT or flaw == CHANNEL_STUCK

    def _track(self, channel: int, mean: int) -> None:
        """Let a voltage channel's running offset follow the measured mean (Q16)."""
        offset = (mean + 32768) >> 16
        if -_OFFSET_LIMIT <= offset <= _OFFSET_LIMIT:
            self._levels.rest[channel] = MID_CODE + offset


def _pair_factors(calibration: Calibration, slot: int) -> tuple:
    """Return what turns a pair's roots into 0.01 V and mA and its products into 0.01 W; its sign; its lag."""
    gain, polarity, lag = calibration.gain, calibration.polarity, calibration.phase_deg
    return (
        factor_of(gain[slot] * 100 / 256),
        factor_of(gain[slot + 8] * 1000 / 256),
        factor_of(gain[slot] * gain[slot + 8] * 100 / 64),
        polarity[slot] * polarity[slot + 8] < 0,
        math.radians(lag[slot + 8] - lag[slot]),
    )

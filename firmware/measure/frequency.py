"""Frequency and phase sequence from the phase angles of the grid voltages (phasor.py)."""

import math

from micropython import const

NOMINAL_MHZ = const(50000)
_MHZ_PER_RADIAN = 1000.0 / (2 * math.pi * 0.02)  # a cycle at 50 Hz lies between two values
_SMOOTHED = const(10)
_FILLING = const(2)
# The values reach 2^25 (phasor.py). Without these bits 2^14 is left: a product has 2^28 and the sum of six
# 2^31, which real voltages do not come near. Rounding costs 0.3 mHz.
_DROPPED = const(11)
# Below this the angle is noise: 0.2 Un of 230 V on the reference front end. A pure tone of peak p
# counts gives p * 7.8 samples a block * 256 * 16/4 points.
_LEAST = const(1299)  # 333.0 * 7.8 * 1024.0 / 2**11
_TANGENT_30_DEG = 0.57735

RIGHT = const(1)
WRONG = const(-1)
UNKNOWN = const(0)


class Frequency:
    """`mhz` of the last cycle and `smooth_mhz` over ten, 0 where the voltage is too low; `sequence`."""

    def __init__(self, phases: int = 3) -> None:
        self.phases = phases
        self.mhz = 0
        self.smooth_mhz = 0
        self.sequence = UNKNOWN
        self.count = 0  # cycles taken
        self._now = [0] * 6
        self._before = [0] * 6
        self._strong = [0] * 3  # cycles with enough voltage, per phase, up to _FILLING
        self._power = [0] * 3  # squared magnitude of the fundamental, the most of the last cycles
        self._mean_uhz = 0
        self._have = 0

    def is_mains(self, phase: int, square: int) -> bool:
        """Return whether at least a quarter of a mean square is of mains frequency.

        `square` in 1/64 count squared over the last window. Of white noise it is a fortieth.
        A tone of peak p has the squared magnitude 15.2 p^2 here and the mean square 32 p^2.
        """
        return 8 * self._power[phase] >= square

    def update(self, values: list, gap: bool) -> None:
        """Take one cycle's complex values; `gap` when it does not follow the last one."""
        self._now, self._before = self._before, self._now
        now, before = self._now, self._before
        for n in range(6):
            now[n] = values[n] >> _DROPPED
        real = imaginary = 0
        strong = 0
        for phase in range(self.phases):
            a, b = now[2 * phase], now[2 * phase + 1]
            power = a * a + b * b
            # Falls by an eighth a cycle: a window reaches back to before a voltage that has gone.
            self._power[phase] = max(power, self._power[phase] - (self._power[phase] >> 3))
            if power < _LEAST * _LEAST:
                self._strong[phase] = 0
                continue
            strong += 1
            # The first windows after the voltage came are half empty: their angle is not yet its own.
            if self._strong[phase] < _FILLING:
                self._strong[phase] += 1
                continue
            c, d = before[2 * phase], before[2 * phase + 1]
            real += a * c + b * d
            imaginary += b * c - a * d
        self.count = (self.count + 1) & 0x3FFFFFFF
        self.sequence = self._judge_sequence(now) if strong == self.phases else UNKNOWN
        if gap or (real == 0 and imaginary == 0):
            self.mhz = self.smooth_mhz = 0
            self._have = 0
            return
        self.mhz = NOMINAL_MHZ + int(math.floor(math.atan2(imaginary, real) * _MHZ_PER_RADIAN + 0.5))
        self._smooth()

    def _smooth(self) -> None:
        if self._have < _SMOOTHED:
            self._have += 1
        if self._have == 1:
            self._mean_uhz = self.mhz * 1000
        self._mean_uhz += (self.mhz * 1000 - self._mean_uhz) // self._have
        self.smooth_mhz = (self._mean_uhz + 500) // 1000

    def _judge_sequence(self, now: list) -> int:
        """L2 lags L1, and L3 lags L2, by 120 degrees; 30 degrees of tolerance."""
        if self.phases < 3:
            return RIGHT
        for first in (0, 2):
            a, b = now[first], now[first + 1]
            c, d = now[first + 2], now[first + 3]
            along, across = a * c + b * d, b * c - a * d
            if along >= 0 or across <= -along * _TANGENT_30_DEG:
                return WRONG
        return RIGHT

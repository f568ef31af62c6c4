"""Frequency and phase sequence from the phase angles of the grid voltages (phasor.py)."""

import math

from micropython import const

_CYCLE_S = 0.02
_SMOOTHED = const(10)
_FILLING = const(2)
# Below this the angle is noise: 0.2 Un of 230 V on the reference front end. A pure tone of peak p
# counts gives p * 7.8 samples a block * 256 * 16/4 points.
_LEAST = 333.0 * 7.8 * 1024.0

RIGHT = const(1)
WRONG = const(-1)
UNKNOWN = const(0)


class Frequency:
    """`hz` of the last cycle and `smooth_hz` over ten, 0.0 where the voltage is too low; `sequence`."""

    def __init__(self, phases: int = 3) -> None:
        self.phases = phases
        self.hz = 0.0
        self.smooth_hz = 0.0
        self.sequence = UNKNOWN
        self.count = 0  # cycles taken
        self._before = [0.0] * 6
        self._strong = [0] * 3  # cycles with enough voltage, per phase, up to _FILLING
        self._mean_hz = 0.0
        self._have = 0

    def update(self, values: list, gap: bool) -> None:
        """Take one cycle's complex values; `gap` when it does not follow the last one."""
        now = [float(value) for value in values]
        before = self._before
        real = imaginary = 0.0
        strong = 0
        for phase in range(self.phases):
            a, b = now[2 * phase], now[2 * phase + 1]
            c, d = before[2 * phase], before[2 * phase + 1]
            if a * a + b * b < _LEAST * _LEAST:
                self._strong[phase] = 0
                continue
            strong += 1
            # The first windows after the voltage came are half empty: their angle is not yet its own.
            if self._strong[phase] < _FILLING:
                self._strong[phase] += 1
                continue
            real += a * c + b * d
            imaginary += b * c - a * d
        self._before = now
        self.count = (self.count + 1) & 0x3FFFFFFF
        self.sequence = self._judge_sequence(now) if strong == self.phases else UNKNOWN
        if gap or (real == 0.0 and imaginary == 0.0):
            self.hz = self.smooth_hz = 0.0
            self._have = 0
            return
        self.hz = 50.0 + math.atan2(imaginary, real) / (2 * math.pi * _CYCLE_S)
        if self._have < _SMOOTHED:
            self._have += 1
        if self._have == 1:
            self._mean_hz = self.hz
        self._mean_hz += (self.hz - self._mean_hz) / self._have
        self.smooth_hz = self._mean_hz

    def _judge_sequence(self, now: list) -> int:
        """L2 lags L1, and L3 lags L2, by 120 degrees; 30 degrees of tolerance."""
        if self.phases < 3:
            return RIGHT
        for first, second in ((0, 2), (2, 4)):
            a, b = now[first], now[first + 1]
            c, d = now[second], now[second + 1]
            lag = math.atan2(b * c - a * d, a * c + b * d)
            if not math.pi / 2 < lag < 5 * math.pi / 6:
                return WRONG
        return RIGHT

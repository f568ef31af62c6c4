"""Waveforms as the converters see them: table oscillators, 12-bit codes, noise. Runs on both interpreters."""

import math
from array import array

import micropython

POINTS = 16384
_SHIFT = 18  # an angle is a 32-bit fraction of a turn
TURN = 1 << 32
PEAK = 16384  # table value of the fundamental's peak
NOISE_POINTS = 4096
AMP_ONE = 256  # amplitudes are in 1/256 of a count


@micropython.viper
def synthesize(out: ptr16, first: int, last: int, one: ptr32, two: ptr32, a: ptr16, b: ptr16, noise: ptr16):  # type: ignore
    """Write codes at `out[first:last:8]` as the sum of two oscillators, noise and mid-scale.

    `one` and `two` hold angle >> 8 (24 bits), step >> 8 and amplitude of the waveforms in the tables
    `a` and `b`, which wrap; `one[3]` is where in the noise table to start.
    """
    angle1 = one[0]
    step1 = one[1]
    amp1 = one[2]
    angle2 = two[0]
    step2 = two[1]
    amp2 = two[2]
    grain = one[3]
    i = first
    while i < last:
        x = a[(angle1 >> 10) & 16383]
        if x > 32767:
            x -= 65536
        y = b[(angle2 >> 10) & 16383]
        if y > 32767:
            y -= 65536
        n = noise[grain & 4095]
        if n > 32767:
            n -= 65536
        code = (2048 * 256 + 128 + n + ((x * amp1 + y * amp2) >> 14)) >> 8
        if code < 0:
            code = 0
        if code > 4095:
            code = 4095
        out[i] = code
        angle1 += step1
        angle2 += step2
        grain += 1
        i += 8


def table(harmonics: dict) -> array:
    """Return one period of a sine with harmonics `{order: part of the fundamental}`, as words."""
    values = array("H", bytes(2 * POINTS))
    orders = [(int(order), harmonics[order]) for order in harmonics]
    for k in range(POINTS):
        x = math.sin(2 * math.pi * k / POINTS)
        for order, part in orders:
            x += part * math.sin(2 * math.pi * k * order / POINTS)
        values[k] = max(-32767, min(32767, int(round(PEAK * x)))) & 0xFFFF
    return values


class Noise:
    """White noise from a fixed seed: the same run gives the same samples on both interpreters."""

    def __init__(self, seed: int) -> None:
        self._state = seed & 0x7FFFFFFF or 1
        self.words = array("H", bytes(2 * NOISE_POINTS))
        self.lsb = 0.0

    def draw(self) -> int:
        """Return the next of a sequence of 31-bit pseudo-random numbers (Park and Miller)."""
        self._state = self._state * 48271 % 0x7FFFFFFF
        return self._state

    def set_level(self, lsb: float) -> None:
        """Fill the table with noise of `lsb` counts RMS (sum of twelve uniform values, nearly normal)."""
        if lsb == self.lsb:
            return
        self.lsb = lsb
        for k in range(NOISE_POINTS):
            x = -6.0
            for _ in range(12):
                x += self.draw() / 0x7FFFFFFF
            self.words[k] = max(-32767, min(32767, int(round(x * lsb * AMP_ONE)))) & 0xFFFF

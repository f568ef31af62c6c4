"""Phase angle of the three grid voltages, one value a cycle, for frequency and phase sequence.

The plain sums of the blocks are eight points a cycle; a 16-point discrete Fourier transform at 50 Hz
with raised-cosine weights over two cycles, one every cycle, gives the fundamental as a complex number.
Against counting zero crossings it needs nothing but sums that exist already, and neither harmonics nor
notches can add a crossing. Range: 16 blocks * 2^14 * 256 = 2^26.
"""

import math
from array import array

import micropython
from micropython import const

POINTS = const(16)
QUEUE = const(8)
_SLOT = const(6)


@micropython.viper
def _correlate(sums: ptr32, table: ptr32, at: int, acc: ptr32, base: int):  # type: ignore
    c = table[at]
    s = table[at + 16]
    phase = 0
    i = 0
    while phase < 3:
        x = sums[i]
        acc[base] = acc[base] + x * c
        acc[base + 1] = acc[base + 1] - x * s
        base += 2
        i += 6
        phase += 1


@micropython.viper
def _export(acc: ptr32, base: int, queue: ptr32, to: int):  # type: ignore
    end = base + 6
    while base < end:
        queue[to] = acc[base]
        acc[base] = 0
        base += 1
        to += 1


def _table() -> array:
    points = range(POINTS)
    weight = [math.sin(math.pi * (k + 0.5) / POINTS) ** 2 for k in points]
    cosine = [int(round(256 * weight[k] * math.cos(math.pi * k / 4))) for k in points]
    sine = [int(round(256 * weight[k] * math.sin(math.pi * k / 4))) for k in points]
    return array("i", cosine + sine)


class Phasors:
    """Interrupt side: `add` a block. Loop side: `take` the next cycle's three complex values."""

    def __init__(self) -> None:
        self._table = _table()
        self._acc = array("i", [0] * 12)  # two overlapping windows of three complex sums
        self._queue = array("i", [0] * (QUEUE * _SLOT))
        self._position = 0
        self.cycles = 0  # finished transforms; written by the interrupt only
        self._taken = 0
        self.gap = True  # the value just taken does not follow the one before
        self.values = [0] * 6  # re, im of V1, V2, V3

    def add(self, sums: array) -> None:
        """Take one block's sums. Called from the sampling interrupt: allocates nothing."""
        position = self._position
        _correlate(sums, self._table, position, self._acc, 0)
        _correlate(sums, self._table, (position + 8) & 15, self._acc, 6)
        if position == 15:
            _export(self._acc, 0, self._queue, (self.cycles & 7) * _SLOT)
            self.cycles = (self.cycles + 1) & 0x3FFFFFFF
        elif position == 7:
            _export(self._acc, 6, self._queue, (self.cycles & 7) * _SLOT)
            self.cycles = (self.cycles + 1) & 0x3FFFFFFF
        self._position = (position + 1) & 15

    def take(self) -> bool:
        """Put the next cycle into `values`; False when there is none. `gap` says whether one was missed."""
        waiting = (self.cycles - self._taken) & 0x3FFFFFFF
        if waiting == 0:
            return False
        self.gap = waiting >= QUEUE or self._taken == 0
        if waiting >= QUEUE:
            self._taken = (self.cycles - 1) & 0x3FFFFFFF
        base = (self._taken & 7) * _SLOT
        for i in range(_SLOT):
            self.values[i] = self._queue[base + i]
        self._taken = (self._taken + 1) & 0x3FFFFFFF
        return True

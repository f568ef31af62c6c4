"""Phase angle of the three grid voltages, one value a cycle, for frequency and phase sequence.

The plain sums of the blocks are eight points a cycle; a 16-point discrete Fourier transform at 50 Hz
with raised-cosine weights over two cycles, one every cycle, gives the fundamental as a complex number.
Against counting zero crossings it needs nothing but sums that exist already, and neither harmonics nor
notches can add a crossing. Range: 16 blocks * 2^14 * 256 = 2^26.

Two transforms overlap by half. The interrupt adds each block to both (look.py): of each phase, real and
imaginary part of the one that ends at position 15 of 16, then of the one that ends at 7.
"""

# mypy: disable-error-code="name-defined"

import math

import micropython
from micropython import const

from firmware.measure.memory import Memory

_POINTS = const(16)
_QUEUE = const(8)
_SLOT = const(6)

# As in memory.py.
_BLOCK = const(48)
_CYCLE_POSITION = const(12)
_CYCLES = const(13)
_SPECTRUM = const(288)
_CYCLE_QUEUE = const(300)
_CYCLE_TABLE = const(1236)


@micropython.viper
def end_cycle(memory: int):
    """Put the transform that the last block completed into the queue. The position is 0 or 8 now."""
    words = ptr32(memory + 4 * _BLOCK)
    at = memory + 4 * _SPECTRUM
    end = at + 4 * 12
    if words[_CYCLE_POSITION] == 8:
        at += 8
    queue_at = memory + 4 * _CYCLE_QUEUE + 4 * _SLOT * (words[_CYCLES] & 7)
    while at < end:
        done = ptr32(at)
        queue = ptr32(queue_at)
        queue[0] = done[0]
        queue[1] = done[1]
        done[0] = 0
        done[1] = 0
        at += 16
        queue_at += 8
    words[_CYCLES] = (words[_CYCLES] + 1) & 0x3FFFFFFF


class Phasors:
    """Loop side: `take` the next cycle's three complex values."""

    def __init__(self, memory: Memory) -> None:
        self._words = words = memory.words
        for k in range(_POINTS):
            weight = 256 * math.sin(math.pi * (k + 0.5) / _POINTS) ** 2
            words[_CYCLE_TABLE + k] = int(round(weight * math.cos(math.pi * k / 4)))
            words[_CYCLE_TABLE + _POINTS + k] = -int(round(weight * math.sin(math.pi * k / 4)))
        self._taken = 0
        self.gap = True  # the value just taken does not follow the one before
        self.values = [0] * 6  # re, im of V1, V2, V3

    @property
    def cycles(self) -> int:
        """Finished transforms, modulo 2^30."""
        return self._words[_BLOCK + _CYCLES]

    def take(self) -> bool:
        """Put the next cycle into `values`; False when there is none. `gap` says whether one was missed."""
        waiting = (self.cycles - self._taken) & 0x3FFFFFFF
        if waiting == 0:
            return False
        self.gap = waiting >= _QUEUE or self._taken == 0
        if waiting >= _QUEUE:
            self._taken = (self.cycles - 1) & 0x3FFFFFFF
        at = _CYCLE_QUEUE + (self._taken & 7) * _SLOT
        for i in range(_SLOT):
            self.values[i] = self._words[at + i]
        self._taken = (self._taken + 1) & 0x3FFFFFFF
        return True

"""Measuring windows of 200 ms, one every 100 ms, weighted by a raised cosine (Hann).

A plain window of ten cycles is only right when the grid has exactly 50 Hz: at 48.75 Hz the
double-frequency part of the power leaves up to 1.6 % of the apparent power as an error. The raised
cosine leaves below 0.01 % anywhere between 45 and 55 Hz, without zero crossings to be found.
Two half-overlapping raised cosines add up to a constant, so that the energy, as the sum over all
windows, weighs every sample alike and nothing is counted twice or lost.

During one hop (40 blocks) the rising half R = sum(w s) and the plain sum T = sum(s) are kept; the
falling half of the window that ends is 255 T - R. A product sum s is up to 2^25, so R is kept in two
words: s + 2^26 = 4096 h + l with h < 2^15, l < 2^12; with the weights of a hop adding up to 5100,
sum(w h) <= 1.7e8 and sum(w l) <= 2.1e7; T <= 40 * 2^25 = 1.34e9 < 2^31. The 2^26 keep the split free
of signs (see levels.py); what they add is taken off again in the end.
"""

from array import array

import micropython
from micropython import const

from firmware.measure.kernel import SUMS

HOP_BLOCKS = const(40)
HOP_MS = const(100)
WEIGHT_TOP = const(255)
WINDOW_WEIGHT = const(81600)  # what one window weighs in samples: 8 samples * 40 blocks * 255
QUEUE = const(8)  # hops that may wait for the loop: 800 ms
SLOT_WORDS = const(126)


@micropython.viper
def _accumulate(sums: ptr32, queue: ptr32, base: int, weight: int):  # type: ignore
    i = 0
    while i < 42:
        s = sums[i]
        queue[base] = queue[base] + s
        s = (s + 0x4000000) & 0x7FFFFFF
        queue[base + 42] = queue[base + 42] + (s >> 12) * weight
        queue[base + 84] = queue[base + 84] + (s & 4095) * weight
        base += 1
        i += 1


@micropython.viper
def _clear(queue: ptr32, base: int):  # type: ignore
    end = base + 126
    while base < end:
        queue[base] = 0
        base += 1


# Weights of the rising half: 255 sin^2 at the middle of each block, rounded so that the ripple stays below
# 0.01 % (plain rounding leaves 0.03 %). w[39 - k] = 255 - w[k], the sum is 5100.
_RISING = bytes(
    (0, 0, 3, 4, 8, 12, 16, 22, 28, 34, 40, 48, 56, 65, 75, 84, 92, 103, 112, 122)
    + (133, 143, 152, 163, 171, 180, 190, 199, 207, 215, 221, 227, 233, 239, 243, 247, 251, 252, 255, 255)
)


class Windows:
    """Interrupt side: `add` a block. Loop side: `take` finished windows."""

    def __init__(self) -> None:
        self._weights = _RISING
        self._bias = sum(self._weights) << 26
        self._queue = array("i", [0] * (QUEUE * SLOT_WORDS))
        self._position = 0
        self.hops = 0  # finished hops; written by the interrupt only
        self._taken = 0
        self._rising = [0] * SUMS  # R of the hop before
        self._started = False
        self.lost = 0  # windows that the loop was too late for
        self.totals = [0] * SUMS

    def add(self, sums: array) -> None:
        """Take one block's sums. Called from the sampling interrupt: allocates nothing."""
        _accumulate(sums, self._queue, (self.hops & 7) * SLOT_WORDS, self._weights[self._position])
        if self._position == HOP_BLOCKS - 1:
            self._position = 0
            _clear(self._queue, ((self.hops + 1) & 7) * SLOT_WORDS)
            self.hops = (self.hops + 1) & 0x3FFFFFFF
        else:
            self._position += 1

    def take(self) -> bool:
        """Put the next finished window's sums into `totals`; False when there is none.

        A sum divided by `WINDOW_WEIGHT` is the weighted mean over the window.
        """
        while True:
            waiting = (self.hops - self._taken) & 0x3FFFFFFF
            if waiting == 0:
                return False
            if waiting >= QUEUE:  # overrun: the oldest slots are being written again
                self.lost += waiting - 1 + int(self._started)
                self._taken = (self.hops - 1) & 0x3FFFFFFF
                self._started = False
            base = (self._taken & 7) * SLOT_WORDS
            queue, rising, totals = self._queue, self._rising, self.totals
            for i in range(SUMS):
                r = (queue[base + i + 42] << 12) + queue[base + i + 84] - self._bias
                totals[i] = rising[i] + WEIGHT_TOP * queue[base + i] - r
                rising[i] = r
            if ((self.hops - self._taken) & 0x3FFFFFFF) >= QUEUE:
                continue  # the interrupt has begun to write this slot while it was being read
            self._taken = (self._taken + 1) & 0x3FFFFFFF
            if self._started:
                return True
            self._started = True  # the first hop after a start or a gap has no rising half before it

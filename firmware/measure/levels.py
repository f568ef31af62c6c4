"""Voltage levels of the nine voltage channels after every block, as mean-square integers in counts.

`half` is the sliding half cycle: four blocks, 32 samples, the quickest honest RMS. `level` adds the
half cycle that ended a quarter cycle before: off 50 Hz the ripple of the one cancels that of the
other (5.2 % of the square at 47.5 Hz becomes 0.4 %), so it is the one to compare with limits.

A negative word read through ptr32 is signed on the board but comes out as 2^32 more on a 64-bit host:
where its sign would matter, as with the inputs' rest codes, the words are kept positive.

Ranges: a block's square sum is at most 2^25, half 2^27, level 2^28.
"""

from array import array

import micropython
from micropython import const

from firmware.acquire.layout import MID_CODE

VOLTAGES = const(9)
HALF_SAMPLES = const(32)
LEVEL_SAMPLES = const(64)


@micropython.viper
def update_levels(sums: ptr32, rest: ptr32, past: ptr32, block: int, half: ptr32, level: ptr32):  # type: ignore
    """Advance all nine channels by a block of these `sums`; `rest` are the codes of the inputs at rest."""
    p0 = block & 7
    p1 = (block - 1) & 7
    p2 = (block - 2) & 7
    p3 = (block - 3) & 7
    p4 = (block - 4) & 7
    p5 = (block - 5) & 7
    channel = 0
    row = 0
    at = 0
    while channel < 9:
        o = rest[channel] - 2048
        squares = at + 2
        if channel > 5:  # the backup voltages have no product sums between plain and square
            squares = at + 1
        square = sums[squares] + 8 * o * o - 2 * o * sums[at]
        past[row + p0] = square
        tail = past[row + p2] + past[row + p3]
        quick = square + past[row + p1] + tail
        half[channel] = quick
        level[channel] = quick + tail + past[row + p4] + past[row + p5]
        channel += 1
        row += 8
        at += 6
        if channel > 6:
            at -= 4


class Levels:
    """The running levels: `half[9]` and `level[9]`, sums over 32 and 64 squared counts."""

    def __init__(self) -> None:
        self.half = array("i", [0] * VOLTAGES)
        self.level = array("i", [0] * VOLTAGES)
        self.rest = array("i", [MID_CODE] * VOLTAGES)
        self._history = array("i", [0] * (8 * VOLTAGES))

    def update(self, sums: array, block: int) -> None:
        """Take one block's sums (kernel.py) into the levels."""
        update_levels(sums, self.rest, self._history, block, self.half, self.level)

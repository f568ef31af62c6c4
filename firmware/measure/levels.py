"""Voltage levels of the nine voltage channels after every block, as mean-square integers in counts.

The half cycle, four blocks or 32 samples, is the quickest honest RMS; it is kept of the grid voltages.
`level` adds the half cycle that ended a quarter cycle before: off 50 Hz the ripple of the one cancels that
of the other (5.2 % of the square at 47.5 Hz becomes 0.4 %), so it is the one to compare with limits.

The interrupt's part is in look.py. With the rest code r of an input and o = r - 2048 it is

    sum((x - r)^2) = sum((x - 2048)^2) - 2 o sum(x - 2048) + 8 o^2

for a block. Of each channel the last eight blocks' are kept twice, at the block's number modulo 8 and eight
words further: those of the blocks before always lie without a break below the second one.

Ranges: whatever the rest code, |x - r| <= 4095, so a block's sum is below 2^27, a half cycle's below 2^29
and a level below 2^30.
"""

from micropython import const

from firmware.acquire.layout import MID_CODE
from firmware.measure.memory import Memory

VOLTAGES = const(9)
HALF_SAMPLES = const(32)
LEVEL_SAMPLES = const(64)

# As in memory.py.
_VOLTAGES = const(72)
_REST = const(0)
_LEVEL = const(9)
_HALF = const(18)


class Levels:
    """The running levels: `level[9]`, sums over 64 squared counts, and `half[3]` over 32 of the grid.

    `rest[9]` are the codes of the inputs at rest. Channels are V1..V3, U1..U3, B1..B3.
    """

    def __init__(self, memory: Memory) -> None:
        self.half = memory.view(_VOLTAGES + _HALF, 3)
        self.level = memory.view(_VOLTAGES + _LEVEL, VOLTAGES)
        self.rest = memory.view(_VOLTAGES + _REST, VOLTAGES)
        for channel in range(VOLTAGES):
            self.rest[channel] = MID_CODE

"""From the conversions of a single-phase front end, V1, I1 and B1 in turn, to blocks of the common layout.

Four rounds of the three inputs make a scan, so that noise is averaged down. I1 is converted a third of a
round after V1; left so, the power of a load of power factor 0.5 would be wrong by 1.4 %. So the current is
taken as the weighted mean that has its centre where the voltage has it: the last round of the scan before
with weight 1, then 3, 3, 3 and 2.
"""

import micropython
from micropython import const

BLOCK_CONVERSIONS = const(96)  # 8 scans of 4 rounds of 3 inputs


@micropython.viper
def fold(raw: ptr16, at: int, a: ptr16, b: ptr16, to: int, last: ptr32):  # type: ignore
    """Fold the 96 conversions from `raw[at]` on (V1, I1, B1 in turn) into the block at word `to`.

    `last[0]` keeps the last I1 of the block before. Sums of four codes are at most 16380; the current is
    (2 * (i0 + i1 + i2 + i3) + i-1 + i0 + i1 + i2) / 12, at most 49140 before the division.
    """
    end = at + 96
    before = last[0]
    while at < end:
        a[to] = (raw[at] + raw[at + 3] + raw[at + 6] + raw[at + 9] + 2) >> 2
        a[to + 6] = (raw[at + 2] + raw[at + 5] + raw[at + 8] + raw[at + 11] + 2) >> 2
        three = raw[at + 1] + raw[at + 4] + raw[at + 7]
        newest = raw[at + 10]
        b[to] = ((three * 3 + newest * 2 + before + 6) * 5461) >> 16  # 5461 / 65536 is 1 / 12.0007
        before = newest
        at += 12
        to += 8
    last[0] = before

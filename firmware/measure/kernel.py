"""The sums over one block: the only code that touches every sample. Integers, no allocation.

Sums of one block, per slot 0 to 5 (a power pair of converter A's voltage x and B's current y), at
`6 * slot`: x, y, x*x, y*y, x*y, x'*y with x' a quarter cycle earlier; then from 36 on for B1, B2, B3:
plain and squared. All codes are taken relative to mid-scale, |x| <= 2048, so that

    plain sums   |.| <= 8 * 2048   = 2^14
    products     |.| <= 8 * 2048^2 = 2^25

which leaves room for the windows to add them up in 32 bits (window.py).
"""

import micropython
from micropython import const

SUMS = const(42)
PAIR_SUMS = const(6)
X, Y, XX, YY, XY, QY = 0, 1, 2, 3, 4, 5
BACKUP_SUMS = const(36)


@micropython.viper
def sum_block(a: ptr16, b: ptr16, now: int, quarter: int, out: ptr32):  # type: ignore
    """Add up one block; `now` and `quarter` are its word offset and that of the block a quarter cycle ago."""
    slot = 0
    at = 0
    while slot < 6:
        sx = 0
        sy = 0
        sxx = 0
        syy = 0
        sxy = 0
        sqy = 0
        i = now + slot
        j = quarter + slot
        end = i + 64
        while i < end:
            x = a[i] - 2048
            y = b[i] - 2048
            sx += x
            sy += y
            sxx += x * x
            syy += y * y
            sxy += x * y
            sqy += (a[j] - 2048) * y
            i += 8
            j += 8
        out[at] = sx
        out[at + 1] = sy
        out[at + 2] = sxx
        out[at + 3] = syy
        out[at + 4] = sxy
        out[at + 5] = sqy
        at += 6
        slot += 1
    s1 = 0
    s2 = 0
    s3 = 0
    s11 = 0
    s22 = 0
    s33 = 0
    i = now + 6
    end = i + 64
    while i < end:
        x = a[i] - 2048
        s1 += x
        s11 += x * x
        x = a[i + 1] - 2048
        s2 += x
        s22 += x * x
        x = b[i] - 2048
        s3 += x
        s33 += x * x
        i += 8
    out[36] = s1
    out[37] = s11
    out[38] = s2
    out[39] = s22
    out[40] = s3
    out[41] = s33

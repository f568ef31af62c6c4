"""The sums over one block, the only code that touches every sample, and their part of the measuring window.

Integers, no allocation. This is the portable form; a board may have its own (hardware/thumb.py).

Sums of one block, per slot 0 to 5 (a power pair of converter A's voltage x and B's current y), at
`8 * slot`: x, y, x*x, y*y, x*y, x'*y with x' a quarter cycle earlier; the last two words of the first
three slots are b, b*b of B1, B2, B3. All codes are taken relative to mid-scale, |x| <= 2048, so that

    plain sums   |.| <= 8 * 2048   = 2^14
    products     |.| <= 8 * 2048^2 = 2^25

which leaves room for the windows to add them up in 32 bits (window.py). They are kept with a bias of
2^14 or 2^25 added: no word is ever negative.

What looks odd, and why, in cycles of the RP2040:
- Only the first two variables of a function live in registers; any other costs two cycles more at each
  use. So `sample` and `total` come first, and the arguments arrive under these names.
- Raw codes 0 to 4095 are multiplied where that saves a subtraction for each sample. With X = sum(x):
  sum((x - 2048)^2) = sum(x^2) - 4096 X + 2^25, and with v = y - 2048 and V = sum(v):
  sum((x - 2048) v) = sum(x v) - 2048 V. The totals start from these corrections. On their way they stay
  within 8 * 4095^2 + 2 * 2^26 < 2^28.
- `total = (sample := ...) * sample + total` takes 9 cycles, in two statements it would be 12.
"""

# mypy: disable-error-code="name-defined"

import micropython
from micropython import const

# Order of the 42 means of a window: six for each slot, then plain and squared for B1 to B3.
SUMS = const(42)
PAIR_SUMS = const(6)
BACKUP_SUMS = const(36)
# And of the words of a slot.
_SLOT_WORDS = const(8)
X = const(0)
Y = const(1)
XX = const(2)
YY = const(3)
XY = const(4)
QY = const(5)
_B = const(6)
_BB = const(7)
_PLAIN_BIAS = const(16384)
_PRODUCT_BIAS = const(33554432)

# As in memory.py.
_BLOCK = const(48)
_A_LOW = const(0)
_A_HIGH = const(1)
_B_LOW = const(2)
_B_HIGH = const(3)
_QUARTER = const(7)
_HOP_POSITION = const(14)
_HOPS = const(15)
_HOP_QUEUE = const(348)
_HOP_WEIGHTS = const(1268)
# As in window.py, which says what a hop is.
_HOP_WORDS = const(111)
_PHASE_WORDS = const(37)


@micropython.viper
def sum_block(sample: int, total: int):
    """Add up the block that lies `sample` bytes from the ring's start; `total` is the memory's address."""
    out_at = total
    words = ptr32(total + 4 * _BLOCK)
    x_at = (words[_A_HIGH] << 16) + words[_A_LOW]
    q_at = x_at + words[_QUARTER]
    x_at += sample
    y_at = (words[_B_HIGH] << 16) + words[_B_LOW] + sample
    end = x_at + 12
    while x_at < end:
        x = ptr16(x_at)
        y = ptr16(y_at)
        q = ptr16(q_at)
        out = ptr32(out_at)
        total = x[0]
        total = total + x[8] + x[16] + x[24] + x[32] + x[40] + x[48] + x[56]
        out[X] = total
        total = (_PLAIN_BIAS - total) << 12
        total = (sample := x[0]) * sample + total
        total = (sample := x[8]) * sample + total
        total = (sample := x[16]) * sample + total
        total = (sample := x[24]) * sample + total
        total = (sample := x[32]) * sample + total
        total = (sample := x[40]) * sample + total
        total = (sample := x[48]) * sample + total
        total = (sample := x[56]) * sample + total
        out[XX] = total
        total = y[0]
        total = total + y[8] + y[16] + y[24] + y[32] + y[40] + y[48] + y[56]
        out[Y] = total
        start = ((_PLAIN_BIAS - total) << 11) + _PRODUCT_BIAS
        total = _PRODUCT_BIAS
        total = (sample := y[0] - 2048) * sample + total
        power = x[0] * sample + start
        delayed = q[0] * sample + start
        total = (sample := y[8] - 2048) * sample + total
        power = x[8] * sample + power
        delayed = q[8] * sample + delayed
        total = (sample := y[16] - 2048) * sample + total
        power = x[16] * sample + power
        delayed = q[16] * sample + delayed
        total = (sample := y[24] - 2048) * sample + total
        power = x[24] * sample + power
        delayed = q[24] * sample + delayed
        total = (sample := y[32] - 2048) * sample + total
        power = x[32] * sample + power
        delayed = q[32] * sample + delayed
        total = (sample := y[40] - 2048) * sample + total
        power = x[40] * sample + power
        delayed = q[40] * sample + delayed
        total = (sample := y[48] - 2048) * sample + total
        power = x[48] * sample + power
        delayed = q[48] * sample + delayed
        total = (sample := y[56] - 2048) * sample + total
        out[YY] = total
        out[XY] = x[56] * sample + power
        out[QY] = q[56] * sample + delayed
        x_at += 2
        y_at += 2
        q_at += 2
        out_at += 4 * _SLOT_WORDS
    # B1 and B2 lie behind the pairs of converter A, B3 behind those of B.
    out_at -= 4 * _SLOT_WORDS * 6
    end = out_at + 4 * _SLOT_WORDS * 3
    while out_at < end:
        x = ptr16(x_at)
        out = ptr32(out_at)
        total = x[0]
        total = total + x[8] + x[16] + x[24] + x[32] + x[40] + x[48] + x[56]
        out[_B] = total
        total = (_PLAIN_BIAS - total) << 12
        total = (sample := x[0]) * sample + total
        total = (sample := x[8]) * sample + total
        total = (sample := x[16]) * sample + total
        total = (sample := x[24]) * sample + total
        total = (sample := x[32]) * sample + total
        total = (sample := x[40]) * sample + total
        total = (sample := x[48]) * sample + total
        total = (sample := x[56]) * sample + total
        out[_BB] = total
        x_at += 2
        out_at += 4 * _SLOT_WORDS
        if end - out_at == 4 * _SLOT_WORDS:
            x_at = y_at


@micropython.viper
def accumulate(hop: ptr32):
    """Add the present block to the hop. When the hop is complete, `begin_hop` must follow.

    `hop` arrives as the memory's address; it and the next variable have registers.
    """
    s = int(hop)
    sums_at = s
    words = ptr32(s + 4 * _BLOCK)
    w = ptr32(s + 4 * _HOP_WEIGHTS + (words[_HOP_POSITION] << 2))[0]
    words[_HOP_POSITION] = words[_HOP_POSITION] + 1
    at = s + 4 * _HOP_QUEUE + 4 * _HOP_WORDS * (words[_HOPS] & 7)
    end = sums_at + 4 * 8 * 3
    while sums_at < end:
        sums = ptr32(sums_at)
        hop = ptr32(at)
        # The grid's voltage and current.
        s = sums[0]
        hop[0] = hop[0] + s
        hop[1] = s * w + hop[1]
        s = sums[1]
        hop[2] = hop[2] + s
        hop[3] = s * w + hop[3]
        s = sums[2]
        hop[4] = hop[4] + s
        hop[5] = (s >> 8) * w + hop[5]
        hop[6] = (s & 255) * w + hop[6]
        s = sums[3]
        hop[7] = hop[7] + s
        hop[8] = (s >> 8) * w + hop[8]
        hop[9] = (s & 255) * w + hop[9]
        s = sums[4]
        hop[10] = hop[10] + s
        hop[11] = (s >> 8) * w + hop[11]
        hop[12] = (s & 255) * w + hop[12]
        s = sums[5]
        hop[13] = hop[13] + s
        hop[14] = (s >> 8) * w + hop[14]
        hop[15] = (s & 255) * w + hop[15]
        # The load bus and its current, three slots on.
        s = sums[24]
        hop[16] = hop[16] + s
        hop[17] = s * w + hop[17]
        s = sums[25]
        hop[18] = hop[18] + s
        hop[19] = s * w + hop[19]
        s = sums[26]
        hop[20] = hop[20] + s
        hop[21] = (s >> 8) * w + hop[21]
        hop[22] = (s & 255) * w + hop[22]
        s = sums[27]
        hop[23] = hop[23] + s
        hop[24] = (s >> 8) * w + hop[24]
        hop[25] = (s & 255) * w + hop[25]
        s = sums[28]
        hop[26] = hop[26] + s
        hop[27] = (s >> 8) * w + hop[27]
        hop[28] = (s & 255) * w + hop[28]
        s = sums[29]
        hop[29] = hop[29] + s
        hop[30] = (s >> 8) * w + hop[30]
        hop[31] = (s & 255) * w + hop[31]
        # The backup output.
        hop = ptr32(at + 4 * 32)
        s = sums[6]
        hop[0] = hop[0] + s
        hop[1] = s * w + hop[1]
        s = sums[7]
        hop[2] = hop[2] + s
        hop[3] = (s >> 8) * w + hop[3]
        hop[4] = (s & 255) * w + hop[4]
        sums_at += 4 * 8
        at += 4 * _PHASE_WORDS

"""Measuring windows of 200 ms, one every 100 ms, weighted by a raised cosine (Hann).

A plain window of ten cycles is only right when the grid has exactly 50 Hz: at 48.75 Hz the
double-frequency part of the power leaves up to 1.6 % of the apparent power as an error. The raised
cosine leaves below 0.01 % anywhere between 45 and 55 Hz, without zero crossings to be found.
Two half-overlapping raised cosines add up to a constant, so that the energy, as the sum over all
windows, weighs every sample alike and nothing is counted twice or lost.

During one hop (40 blocks) the rising half R = sum(w s) and the plain sum T = sum(s) are kept; the
falling half of the window that ends is 255 T - R. The sums s come with their bias (kernel.py). Ranges,
with the weights of a hop adding up to 5100:

    plain sums   0 <= s < 2^15: T < 40 * 2^15 < 2^21, R < 5100 * 2^15 < 2^28
    products     0 <= s <= 2^26. R is kept in two words, H = sum(w (s >> 8)) <= 5100 * 2^18 < 2^31 and
                 L = sum(w (s & 255)) < 5100 * 2^8 < 2^21: R = 256 H + L. T starts at -40 * 2^25,
                 what the bias will add: |T| <= 40 * 2^25 = 1.34e9 < 2^31
"""

# mypy: disable-error-code="name-defined"

from array import array

import micropython
from micropython import const

from firmware.measure.kernel import SUMS
from firmware.measure.memory import Memory

HOP_MS = const(100)
_HOP_BLOCKS = const(40)
_QUEUE = const(8)  # hops that may wait for the loop: 800 ms
_PLAIN_TOTAL = const(655360)  # 40 times the bias
# A hop is three phases after each other: T and R of V and I; T, H and L of their four products; the same of U
# and P; T and R of B; T, H and L of its square.
_HOP_WORDS = const(111)
_PHASE_WORDS = const(37)
# The 42 sums in this order: place of each in `means` (kernel.py), and 0x40 more where it is a plain one.
# Written as strings because numbers would stay in memory too.
_ORDER = (
    b"\x40\x41\x02\x03\x04\x05\x52\x53\x14\x15\x16\x17\x64\x25"
    b"\x46\x47\x08\x09\x0a\x0b\x58\x59\x1a\x1b\x1c\x1d\x66\x27"
    b"\x4c\x4d\x0e\x0f\x10\x11\x5e\x5f\x20\x21\x22\x23\x68\x29"
)

# As in memory.py.
_BLOCK = const(48)
_HOP_POSITION = const(14)
_HOPS = const(15)
_HOP_QUEUE = const(348)
_HOP_WEIGHTS = const(1268)


@micropython.viper
def begin_hop(hop: ptr32):
    """Count the hop as finished, and prepare the slot of the queue for the next one.

    `hop` arrives as the memory's address; it and the next variable have registers.
    """
    start = int(hop)
    words = ptr32(start + 4 * _BLOCK)
    words[_HOP_POSITION] = 0
    hops = (words[_HOPS] + 1) & 0x3FFFFFFF
    at = start + 4 * _HOP_QUEUE + 4 * _HOP_WORDS * (hops & 7)
    end = at + 4 * _HOP_WORDS
    while at < end:
        ptr32(at)[0] = 0
        at += 4
    start = -5
    start = start << 28  # -40 times the bias of a product; as a literal it would be an object
    at -= 4 * _HOP_WORDS
    while at < end:
        hop = ptr32(at)
        hop[4] = start
        hop[7] = start
        hop[10] = start
        hop[13] = start
        hop[20] = start
        hop[23] = start
        hop[26] = start
        hop[29] = start
        hop = ptr32(at + 4 * 32)
        hop[2] = start
        at += 4 * _PHASE_WORDS
    words[_HOPS] = hops


@micropython.viper
def _finish(address: int, before: ptr32, means: ptr32, order: ptr8):
    """Turn the window that ends with the hop at `address` into the 42 means.

    `before` has R, or H and L, of the hop before, and gets those of this one: the bias is in both. The mean
    of a product is sum * 64 / 81600 = sum / 1275, that of a code sum * 65536 / 81600 = sum * 1024 / 1275.

    The window of a plain sum is below 2^30. That of a product is 4096 top + rest: with T = 4096 t + u and
    what H and L differ by, 256 h + l, it is 4096 (h / 16 + 255 t) + 256 (h mod 16) + l + 255 u;
    |top| <= 2^27 + 255 * 2^19 < 2^29, |rest| < 2^23. top = 1275 a + b keeps the mean within 32 bits:
    |4096 a| < 2^31, 4096 b < 2^23.
    """
    kept_at = 0
    n = 0
    while n < 42:
        hop = ptr32(address)
        place = order[n]
        total = hop[0]
        h = before[kept_at] - hop[1]
        before[kept_at] = hop[1]
        if place & 64:
            total = h + 255 * (total - _PLAIN_TOTAL)
            means[place & 63] = (total // 1275 << 10) + ((total % 1275) << 10) // 1275
        else:
            kept_at += 1
            rest = before[kept_at] - hop[2]
            before[kept_at] = hop[2]
            # T may be negative: its halves are the same everywhere, whatever a load makes of its sign.
            lower = total & 0xFFFF
            upper = (((total >> 16) ^ 0x8000) & 0xFFFF) - 0x8000
            total = (h >> 4) + 255 * ((upper << 4) + (lower >> 12))
            rest += ((h & 15) << 8) + 255 * (lower & 0xFFF)
            means[place] = (total // 1275 << 12) + (((total % 1275) << 12) + rest + 637) // 1275
            address += 4
        address += 8
        kept_at += 1
        n += 1


# Weights of the rising half: 255 sin^2 at the middle of each block, rounded so that the ripple stays below
# 0.01 % (plain rounding leaves 0.03 %). w[39 - k] = 255 - w[k], the sum is 5100.
_RISING = (
    b"\x00\x00\x03\x04\x08\x0c\x10\x16\x1c\x22\x28\x30\x38\x41\x4b\x54\x5c\x67\x70\x7a"
    b"\x85\x8f\x98\xa3\xab\xb4\xbe\xc7\xcf\xd7\xdd\xe3\xe9\xef\xf3\xf7\xfb\xfc\xff\xff"
)


class Windows:
    """Loop side: `take` finished windows."""

    def __init__(self, memory: Memory) -> None:
        self._words = memory.words
        self._queue_at = memory.address + 4 * _HOP_QUEUE
        for block in range(_HOP_BLOCKS):
            self._words[_HOP_WEIGHTS + block] = _RISING[block]
        self._words[_BLOCK + _HOPS] = -1
        begin_hop(memory.address)
        self._taken = 0
        self._before = array("i", bytes(4 * 70))  # R of 14 plain sums, H and L of 28 products
        self._started = False
        self.lost = 0  # windows that the loop was too late for
        self.means = array("i", bytes(4 * SUMS))

    @property
    def hops(self) -> int:
        """Finished hops, modulo 2^30."""
        return self._words[_BLOCK + _HOPS]

    def take(self) -> bool:
        """Make the next finished window; False when there is none.

        `means` are its weighted means: of products in 1/64 count squared, of codes in 1/65536 count.
        """
        while True:
            waiting = (self.hops - self._taken) & 0x3FFFFFFF
            if waiting == 0:
                return False
            if waiting >= _QUEUE:  # overrun: the oldest slots are being written again
                self.lost += waiting - 1 + int(self._started)
                self._taken = (self.hops - 1) & 0x3FFFFFFF
                self._started = False
            _finish(self._queue_at + 4 * _HOP_WORDS * (self._taken & 7), self._before, self.means, _ORDER)
            if ((self.hops - self._taken) & 0x3FFFFFFF) >= _QUEUE:
                continue  # the interrupt has begun to write this slot while it was being read
            self._taken = (self._taken + 1) & 0x3FFFFFFF
            if self._started:
                return True
            self._started = True  # the first hop after a start or a gap has no rising half before it

"""The working memory of the sampling interrupt: one array of 32-bit words, known by one address.

A call costs 3.5 us of every block on an RP2040, and each attribute, argument or buffer handed over one
more. So all viper functions of the interrupt take this one address and find their words at fixed places.
Viper knows the constants of its own file only: each file repeats those it needs under the same names, and
host_tests/host/test_memory_map.py compares.

Words are written by the interrupt and read by the loop unless said otherwise. Loading a negative word
gives its value on the board but 2^32 more on a 64-bit host: a word that is compared or shifted is never
negative unless the file says how, and of the others only the lowest 32 bits count.
"""

from array import array

from micropython import const
from uctypes import addressof

# Sums of the present block, eight words for each of six slots: kernel.py.
_SUMS = const(0)

# From here on: the block, and what there is once.
_BLOCK = const(48)
# Where the ring is, set by the loop: low 16 bits and the rest (an address of a 64-bit host does not fit a
# word), and blocks in it.
_A_LOW = const(0)
_A_HIGH = const(1)
_B_LOW = const(2)
_B_HIGH = const(3)
_DEPTH = const(4)
# Number of the present block, its offset in bytes in the ring, that of the blocks a quarter of a cycle and
# a cycle earlier, the number expected next; blocks taken and missed so far, modulo 2^30.
_NUMBER = const(5)
_NOW = const(6)
_QUARTER = const(7)
_BEFORE = const(8)
_EXPECTED = const(9)
_BLOCKS = const(10)
_LOST = const(11)
# Blocks in the cycle (phasor.py) and in the hop (window.py) that are being added up; how many are finished.
_CYCLE_POSITION = const(12)
_CYCLES = const(13)
_HOP_POSITION = const(14)
_HOPS = const(15)
# Judgement of the grid as a whole: watch.py. UNSETTLED makes look.py call for it. The loop sets ARMED,
# PHASES, CONFIRM_BLOCKS.
_GOOD_BLOCKS = const(16)
_UNSETTLED = const(17)
_TRIP_REASON = const(18)
_TRIP_PHASE = const(19)
_ARMED = const(20)
_PHASES = const(21)
_CONFIRM_BLOCKS = const(22)

# From here on: the voltages.
_VOLTAGES = const(72)
# Nine words each, V1..V3, U1..U3, B1..B3: rest code, set by the loop, and level (levels.py).
_REST = const(0)
_LEVEL = const(9)
# Three words each: level of the half cycle, row of missing samples (compare.py); set by the loop: square
# below which a reference is too small, bit 30 where the phase is judged, and limits.
_HALF = const(18)
_ROW = const(21)
_NEUTRAL = const(24)
_JUDGED = const(27)
_LIMIT_DIP = const(30)
_SOUND_LOW = const(33)
_SOUND_HIGH = const(36)
# More of the row; the judgement of the phase (watch.py); set by the loop: more limits.
_ROW_SAMPLES = const(39)
_ROW_REFERENCES = const(42)
_UNDER = const(45)
_OVER = const(48)
_BAD = const(51)
_LIMIT_INTERRUPTION = const(54)
_LIMIT_UNDER = const(57)
_LIMIT_OVER = const(60)
_LIMIT_LOW = const(63)
_LIMIT_HIGH = const(66)

_HISTORY = const(144)  # three times 48 words: levels.py
_SPECTRUM = const(288)  # three times 4 words: phasor.py
_CYCLE_QUEUE = const(300)  # 8 times 6 words
_HOP_QUEUE = const(348)  # 8 times 111 words: window.py
# Tables, written once.
_CYCLE_TABLE = const(1236)  # 32 words: phasor.py
_HOP_WEIGHTS = const(1268)  # 40 words: window.py
# Where samples are kept packed, set by the loop: as above, low and high, and blocks there, 0 if they are not;
# offset in bytes of the present block.
_PACKED = const(1308)
_PACKED_A_LOW = const(0)
_PACKED_A_HIGH = const(1)
_PACKED_B_LOW = const(2)
_PACKED_B_HIGH = const(3)
_PACKED_DEPTH = const(4)
_PACKED_AT = const(5)
_WORDS = const(1314)


class Memory:
    """`words`, their `address`, and `view(place, words)` of some of them."""

    def __init__(self) -> None:
        self.words = array("i", bytes(4 * _WORDS))
        self.address = addressof(self.words)

    def view(self, place: int, words: int) -> memoryview:
        """Return `words` words from `place` on, to be read and written."""
        return memoryview(self.words)[place : place + words]

    def set_ring(self, ring) -> None:
        """Say where the samples are (layout.Ring). The caller keeps the ring: an address does not."""
        block = self.view(_BLOCK, _DEPTH + 1)
        block[_DEPTH] = ring.depth
        _put_addresses(block, (ring.a, ring.b))
        packed = self.view(_PACKED, _PACKED_DEPTH + 1)
        packed[_PACKED_DEPTH] = ring.packed_depth
        _put_addresses(packed, ring.packed)


def _put_addresses(words, buffers: tuple) -> None:
    """Write where buffers are, as low and high words, one after the other."""
    at = 0
    for buffer in buffers:
        address = addressof(buffer)
        words[at] = address & 0xFFFF
        words[at + 1] = address >> 16
        at += 2

"""Layout of the sample blocks.

Two 12-bit converters run in lock step. A scan converts slots 0 to 7 of both, 3200 times a second, so
that the two words of a slot belong to the same instant. A block is 8 scans (2.5 ms), scan after scan:
word `scan * 8 + slot`. 64 scans are one cycle at 50 Hz.

    slot         0    1    2    3    4    5    6    7
    converter A  V1   V2   V3   U1   U2   U3   B1   B2
    converter B  I1   I2   I3   P1   P2   P3   B3   spare

V grid voltage before K_GRID, U load bus, B backup output, I grid current, P PV current. The external
PV inverter feeds the load bus, so its power is P times U.
"""

from array import array

from micropython import const

SLOTS = const(8)
SCANS = const(8)
BLOCK_WORDS = const(64)
SCAN_HZ = const(3200)
BLOCK_HZ = const(400)
BLOCK_US = const(2500)
CYCLE_BLOCKS = const(8)  # one cycle at 50 Hz
QUARTER_BLOCKS = const(2)
MID_CODE = const(2048)  # inputs are biased to mid-scale
TOP_CODE = const(4095)

CHANNELS = ("V1", "V2", "V3", "U1", "U2", "U3", "B1", "B2", "I1", "I2", "I3", "P1", "P2", "P3", "B3", "spare")
# Channel number of the voltages as the supervision counts them: V1..V3, U1..U3, B1..B3.
VOLTAGE_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 7, 14)

# The block function looks back one cycle, 8 blocks, and no further.
RING_BLOCKS = const(9)
# A flash erase stops the interrupt for up to 400 ms (160 blocks) while samples go on arriving: what DMA fills
# is this deep.
RAW_BLOCKS = const(168)
# Block numbers wrap here: the largest multiple of both below 2^30, so that number % depth goes on evenly.
NUMBERS = const(1073741760)


class Ring:
    """Converter words of both chips, the last `depth` blocks; block n lies at `n % depth`.

    Where DMA keeps them `packed` (hardware/mcp3208_rp2.py), those are two arrays of words, of converter A
    and B, `packed_depth` blocks deep; the board's form of `sum_block` spreads each block over the ring.
    """

    def __init__(self, depth: int = RING_BLOCKS, packed: tuple = (), packed_depth: int = 0) -> None:
        self.depth = depth
        self.packed = packed
        self.packed_depth = packed_depth
        self.a = _at_rest(depth * BLOCK_WORDS)
        self.b = _at_rest(depth * BLOCK_WORDS)


def _at_rest(words: int) -> array:
    """Return `words` codes of an input without signal."""
    return array("H", MID_CODE.to_bytes(2, "little") * words)

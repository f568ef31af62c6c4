"""What hardware/thumb.py does, for interpreters that have no asm_thumb; its machine code: host/test_thumb.py.

Importing it puts it in that module's place: before a driver is imported.
"""

import sys

from firmware.measure.kernel import sum_block  # noqa: F401  # the portable form of the other function

_CODES = 64
_PACKED_BYTES = 96


def unpack(raw, ring, at, to):
    """Spread 64 codes of 12 bits, from byte `at` of packed words on, over the halfwords from byte `to` on."""
    assert raw.itemsize == 4 and ring.itemsize == 2, "words into halfwords"
    assert at % 4 == 0 and 0 <= at <= 4 * len(raw) - _PACKED_BYTES, "a block of the packed buffer"
    assert to % 2 == 0 and 0 <= to <= 2 * (len(ring) - _CODES), "a block of the ring"
    for n in range(_CODES):
        first = 12 * n  # bit of the block, from the topmost of its first word on
        word = at // 4 + first // 32
        pair = raw[word] << 32
        if first % 32 > 20:
            pair |= raw[word + 1]
        ring[to // 2 + n] = pair >> (64 - 12 - first % 32) & 0xFFF


sys.modules["firmware.hardware.thumb"] = sys.modules[__name__]

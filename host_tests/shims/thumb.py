"""Stands for hardware/thumb.py where there is no asm_thumb; its machine code: host_tests/host/test_thumb.py.

Importing it puts it in that module's place: before a driver is imported.
"""

import sys

from firmware.measure import kernel

_CODES = 64
_PACKED_WORDS = 24

sum_block = kernel.sum_block
accumulate = kernel.accumulate


def spread(ring, number):
    """Put block `number` of a ring's packed samples into the ring, as the code of `sum_block` does."""
    first = number % ring.packed_depth * _PACKED_WORDS
    to = number % ring.depth * _CODES
    for packed, words in zip(ring.packed, (ring.a, ring.b)):
        assert len(packed) == ring.packed_depth * _PACKED_WORDS and len(words) == ring.depth * _CODES
        for n in range(_CODES):
            bit = 12 * n  # from the topmost one of the block's first word on
            pair = packed[first + bit // 32] << 32
            if bit % 32 > 20:
                pair |= packed[first + bit // 32 + 1]
            words[to + n] = pair >> (64 - 12 - bit % 32) & 0xFFF


sys.modules["firmware.hardware.thumb"] = sys.modules[__name__]

"""hardware/thumb.py as compiled, on an emulated processor core, against plain integers and the portable form.

No MicroPython image is needed: the machine code of both functions is taken out of the .mpy file and called.
"""

import random
import struct

import pytest
from rp2040py.rp2040 import RP2040

from firmware.acquire.layout import BLOCK_WORDS, SCANS, SLOTS, TOP_CODE
from firmware.measure import memory as memory_map
from firmware.measure.kernel import accumulate, sum_block
from host_tests.unit.working import place_block, with_ring
from tools.flash.build import compiled, folded_sources

RAM_AT = 0x20000000
CODE_AT = RAM_AT + 0x1000
MEMORY_AT = RAM_AT + 0x4000
RINGS_AT = (RAM_AT + 0x8000, RAM_AT + 0x10000)
PACKED_AT = (RAM_AT + 0x18000, RAM_AT + 0x1A000)
STACK_TOP = RAM_AT + 0x20000
BACK_AT = RAM_AT + 0x100  # where the functions return to
ENTRY, EXIT = struct.pack("<H", 0xB5F2), struct.pack("<H", 0xBDF2)  # push {r1, r4-r7, lr}; pop {..., pc}
NAMES = ("sum_block", "accumulate")  # in the order of the file
DEPTH = 8
KEPT = range(4, 12)  # registers that a function has to leave as they were
BLOCK_BYTES = 2 * BLOCK_WORDS
PACKED_BYTES = SCANS * SLOTS * 12 // 8
PACKED_DEPTH = 5
PACKED = memory_map._PACKED


class Core:
    """A processor core with the functions in its memory."""

    def __init__(self):
        self.chip = RP2040()
        path = "firmware/hardware/thumb"
        content = compiled(folded_sources()[path], path)
        self.entries = {}
        at, place = 0, CODE_AT
        for name in NAMES:
            start = content.index(ENTRY, at)
            at = content.index(EXIT, start) + 2
            self.write(place, content[start:at])
            self.entries[name] = place
            place += (at - start + 15) // 16 * 16
        assert content.find(ENTRY, at) < 0, "another function is in the file"

    def write(self, address, content):
        self.chip.sram[address - RAM_AT : address - RAM_AT + len(content)] = content

    def read(self, address, count):
        return bytes(self.chip.sram[address - RAM_AT : address - RAM_AT + count])

    def call(self, name, *arguments):
        """Call a function; return the cycles that it took."""
        core = self.chip.core
        before = {number: 0x11111111 * number & 0x7FFFFFFF for number in KEPT}
        for number, value in before.items():
            core.registers[number] = value
        for number, value in enumerate(arguments):
            core.registers[number] = value
        core.sp = STACK_TOP
        core.lr = BACK_AT | 1
        core.pc = self.entries[name]
        start = core.cycles
        while core.pc != BACK_AT:
            core.execute_instruction()
            assert core.cycles - start < 10000, f"{name} does not come back"
        assert core.sp == STACK_TOP
        assert {number: core.registers[number] for number in KEPT} == before, "a register was not kept"
        return core.cycles - start


@pytest.fixture(scope="module")
def core():
    return Core()


def packed(codes):
    """Return 12-bit codes as bytes, one after the other without a gap, in words of 32 bits."""
    bits = "".join(f"{code:012b}" for code in codes)
    return b"".join(struct.pack("<I", int(bits[at : at + 32], 2)) for at in range(0, len(bits), 32))


def both(core, code, now, quarter, first=-1):
    """Return the words that the machine code and the portable function leave of the same ring.

    With `first`, the block comes from there of a packed buffer; the machine code's ring lacks it before.
    """
    memory, ring = with_ring(DEPTH)
    for chip, words in enumerate((ring.a, ring.b)):
        for at in range(len(words)):
            words[at] = code(chip, at)
        core.write(RINGS_AT[chip], struct.pack(f"<{len(words)}H", *words))
    place_block(memory, now, quarter, 0)
    words = list(memory.words)
    for chip, address in enumerate(RINGS_AT):
        words[48 + 2 * chip], words[49 + 2 * chip] = address & 0xFFFF, address >> 16
    block = slice(now * BLOCK_WORDS, (now + 1) * BLOCK_WORDS)
    if first >= 0:
        for chip, codes in enumerate((ring.a[block], ring.b[block])):
            core.write(PACKED_AT[chip], b"\x5a" * PACKED_BYTES * PACKED_DEPTH)
            core.write(PACKED_AT[chip] + PACKED_BYTES * first, packed(codes))
            core.write(RINGS_AT[chip] + BLOCK_BYTES * now, b"\xff" * BLOCK_BYTES)
            words[PACKED + 2 * chip] = PACKED_AT[chip] & 0xFFFF
            words[PACKED + 2 * chip + 1] = PACKED_AT[chip] >> 16
        words[PACKED + memory_map._PACKED_DEPTH] = PACKED_DEPTH
        words[PACKED + memory_map._PACKED_AT] = PACKED_BYTES * first
    core.write(MEMORY_AT, struct.pack(f"<{len(words)}i", *words))
    core.call("sum_block", BLOCK_BYTES * now, MEMORY_AT)
    sum_block(BLOCK_BYTES * now, memory.address)
    found = struct.unpack(f"<{len(words)}i", core.read(MEMORY_AT, 4 * len(words)))
    assert list(found[48:]) == words[48:], "wrote beyond its end"
    for chip, codes in enumerate((ring.a, ring.b)):
        there = struct.unpack(f"<{len(codes)}H", core.read(RINGS_AT[chip], 2 * len(codes)))
        assert list(there) == list(codes), "the ring is as it was, and has the block"
    return list(found[:48]), list(memory.words[:48])


@pytest.mark.parametrize("seed", range(12))
def test_a_packed_block_is_put_into_the_ring_and_added_up(core, seed):
    source = random.Random(seed)

    def code(chip, at):
        return TOP_CODE * (seed % 2) if seed < 2 else source.randrange(TOP_CODE + 1)

    found, wanted = both(core, code, seed % DEPTH, (seed % DEPTH - 2) % DEPTH, seed % PACKED_DEPTH)
    assert found == wanted


def hops(core, memory):
    """Return the words after the machine code and after the portable form have added a block to the hop."""
    words = list(memory.words)
    core.write(MEMORY_AT, struct.pack(f"<{len(words)}I", *(word & 0xFFFFFFFF for word in words)))
    core.call("accumulate", MEMORY_AT)
    accumulate(memory.address)
    found = struct.unpack(f"<{len(words)}I", core.read(MEMORY_AT, 4 * len(words)))
    return list(found), [word & 0xFFFFFFFF for word in memory.words]


@pytest.mark.parametrize("seed", range(24))
def test_blocks_are_added_to_any_hop_as_the_portable_form_adds_them(core, seed):
    source = random.Random(seed)
    memory = with_ring(DEPTH)[0]
    for at in range(48):
        top = 1 << 15 if at % 8 in (0, 1, 6) else 1 << 26
        memory.words[at] = (0, top, source.randrange(top + 1))[min(seed, 2)]
    # What is there is such that another block still fits into 32 bits (window.py has the ranges).
    least, most = -40 << 25, (1 << 31) - 1 - (1 << 26)
    for at in range(memory_map._HOP_QUEUE, memory_map._CYCLE_TABLE):
        memory.words[at] = (least, most, source.randrange(least, most))[min(seed, 2)]
    for at in range(memory_map._HOP_WEIGHTS, memory_map._PACKED):
        memory.words[at] = 255 if seed < 2 else source.randrange(256)
    memory.words[48 + memory_map._HOP_POSITION] = source.randrange(40)
    memory.words[48 + memory_map._HOPS] = (seed % 8, 0x3FFFFFF8 + seed % 8)[seed // 8 % 2]
    found, wanted = hops(core, memory)
    assert found == wanted


@pytest.mark.parametrize("low", [0, TOP_CODE])
@pytest.mark.parametrize("high", [0, TOP_CODE])
def test_sums_at_their_bounds(core, low, high):
    found, wanted = both(core, lambda chip, at: (low, high)[chip], 0, 1)
    assert found == wanted
    found, wanted = both(core, lambda chip, at: (low, high)[at // SLOTS % 2], 3, 1)
    assert found == wanted


@pytest.mark.parametrize("seed", range(20))
def test_sums_of_random_blocks_at_every_place(core, seed):
    source = random.Random(seed)
    rails = seed % 4 == 0

    def code(chip, at):
        return TOP_CODE * source.randrange(2) if rails else source.randrange(TOP_CODE + 1)

    found, wanted = both(core, code, seed % DEPTH, (seed % DEPTH - 2) % DEPTH)
    assert found == wanted


def test_what_they_cost(core):
    """Cycles are the same everywhere, those of the core alone: no time, so no budget of a shared machine."""
    core.write(MEMORY_AT, bytes(4 * memory_map._WORDS))
    assert core.call("sum_block", 0, MEMORY_AT) <= 1800
    both(core, lambda chip, at: at, 0, 1, 2)
    assert core.call("sum_block", 0, MEMORY_AT) <= 2600, "with packed samples"
    assert core.call("accumulate", MEMORY_AT) <= 1000

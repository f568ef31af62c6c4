"""hardware/thumb.py as compiled, on an emulated processor core, against plain integers and the portable form.

No MicroPython image is needed: the machine code of both functions is taken out of the .mpy file and called.
"""

import random
import struct

import pytest
from rp2040py.rp2040 import RP2040

from firmware.acquire.layout import BLOCK_WORDS, SCANS, SLOTS, TOP_CODE
from firmware.measure.kernel import sum_block
from host_tests.unit.working import place_block, with_ring
from tools.flash.build import compiled, folded_sources

RAM_AT = 0x20000000
CODE_AT = RAM_AT + 0x1000
MEMORY_AT = RAM_AT + 0x4000
RINGS_AT = (RAM_AT + 0x8000, RAM_AT + 0x10000)
PACKED_AT = RAM_AT + 0x18000
OUT_AT = RAM_AT + 0x1A000
STACK_TOP = RAM_AT + 0x20000
BACK_AT = RAM_AT + 0x100  # where the functions return to
ENTRY, EXIT = struct.pack("<H", 0xB5F2), struct.pack("<H", 0xBDF2)  # push {r1, r4-r7, lr}; pop {..., pc}
NAMES = ("unpack", "sum_block")  # in the order of the file
DEPTH = 8
KEPT = range(4, 12)  # registers that a function has to leave as they were
BLOCK_BYTES = 2 * BLOCK_WORDS
PACKED_WORDS = SCANS * SLOTS * 12 // 32


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


@pytest.mark.parametrize("seed", range(8))
def test_packed_codes_come_out_one_by_one(core, seed):
    source = random.Random(seed)
    if seed < 2:
        codes = [TOP_CODE * seed] * BLOCK_WORDS
    else:
        codes = [source.randrange(TOP_CODE + 1) for _ in range(BLOCK_WORDS)]
    content = packed(codes)
    assert len(content) == 4 * PACKED_WORDS
    core.write(PACKED_AT, content + b"\xff" * 16)
    core.write(OUT_AT - 16, b"\x5a" * (BLOCK_BYTES + 32))
    core.call("unpack", PACKED_AT - 192, OUT_AT - 256, 192, 256)
    assert list(struct.unpack(f"<{BLOCK_WORDS}H", core.read(OUT_AT, BLOCK_BYTES))) == codes
    assert core.read(OUT_AT - 16, 16) == core.read(OUT_AT + BLOCK_BYTES, 16) == b"\x5a" * 16


def both(core, code, now, quarter):
    """Return the words that the machine code and the portable function leave of the same ring."""
    memory, ring = with_ring(DEPTH)
    for chip, words in enumerate((ring.a, ring.b)):
        for at in range(len(words)):
            words[at] = code(chip, at)
        core.write(RINGS_AT[chip], struct.pack(f"<{len(words)}H", *words))
    place_block(memory, now, quarter, 0)
    words = list(memory.words)
    for chip, address in enumerate(RINGS_AT):
        words[48 + 2 * chip], words[49 + 2 * chip] = address & 0xFFFF, address >> 16
    core.write(MEMORY_AT, struct.pack(f"<{len(words)}i", *words))
    core.call("sum_block", BLOCK_BYTES * now, MEMORY_AT)
    sum_block(BLOCK_BYTES * now, memory.address)
    found = struct.unpack(f"<{len(words)}i", core.read(MEMORY_AT, 4 * len(words)))
    assert list(found[48:]) == words[48:], "wrote beyond its end"
    return list(found[:48]), list(memory.words[:48])


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
    assert core.call("unpack", PACKED_AT, OUT_AT, 0, 0) <= 390
    assert core.call("sum_block", 0, MEMORY_AT) <= 1900

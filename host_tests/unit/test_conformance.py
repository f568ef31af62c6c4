"""Every function against the specification, row by row: each names the section or figure that it comes from.

AP is the Modbus Application Protocol 1.1b3, SL Modbus over Serial Line 1.02. The blocks of addresses are
written down here once more, from docs/registers.md and the two meters' own documents.
"""

from array import array

from firmware.publish.modbus import ModbusSlave
from firmware.publish.service import Service, identity
from host_tests.unit.fake_port import FakePort
from host_tests.unit.modbus_line import (
    ADDRESSES,
    SOC,
    START_US,
    Line,
    diagnose,
    exception,
    framed,
    identify,
    mask_write,
    pair,
    read_request,
    read_write,
    words_of,
    write_many,
    write_one,
)

NATIVE, SDM, SDM_PV, SUNSPEC, SUNSPEC_PV = 1, 2, 3, 4, 5
# Unit, function that reads them, blocks.
TABLES = (
    (NATIVE, 4, ((0, 19), (40, 79), (100, 249), (300, 305))),
    (NATIVE, 3, ((1000, 1009), (1010, 1099))),
    (SDM, 4, ((0, 0x17D),)),
    (SDM, 3, ((0, 0x25),)),
    (SDM_PV, 4, ((0, 0x17D),)),
    (SDM_PV, 3, ((0, 0x25),)),
    (SUNSPEC, 4, ()),
    (SUNSPEC, 3, ((40000, 40197),)),
    (SUNSPEC_PV, 4, ()),
    (SUNSPEC_PV, 3, ((40000, 40197),)),
)
UNITS = (NATIVE, SDM, SDM_PV, SUNSPEC, SUNSPEC_PV)
FIGURES = {3: "AP figure 13", 4: "AP figure 14"}
# The functions that the box has; every other one gets exception 01.
FUNCTIONS = (3, 4, 6, 8, 16, 17, 22, 23, 43)
CLOCK = ADDRESSES["clock"]
GAP = ADDRESSES["restore_gap_s"]


def _line():
    line = Line()
    line.serve(
        sdm_grid_address=SDM,
        sdm_pv_address=SDM_PV,
        sunspec_grid_address=SUNSPEC,
        sunspec_pv_address=SUNSPEC_PV,
    )
    return line


def _walk(line, rows):
    """Ask every request of the rows (source, request, reply); a number stands for that many registers."""
    for source, request, wanted in rows:
        reply = line.ask(request)
        if isinstance(wanted, int):
            assert reply is not None and reply[:2] == request[:2], (source, request, reply)
            assert len(words_of(reply)) == wanted, (source, request, reply)
            assert framed(*reply[:-2]) == reply, (source, request, reply)
        else:
            assert reply == wanted, (source, request, reply)


def _owned(box):
    """Return all that a master can change."""
    access = box.access
    return (
        (box.battery.soc, box.settings, dict(box.staging.staged), box.commits, box.resets, box.cleared)
        + (box.test_s, box.clock_s, box.bench_grid, box.faults)
        + (access.open_s(box.uptime_s), access._entered)
    )


class Everywhere:
    """A register at every address from 0 to 65535, each holding what was written to it."""

    def __init__(self):
        self.words = array("H", [0] * 65536)
        self.writes = 0

    def read(self, _table, start, count, into, at):
        if start + count > 65536:
            return 2
        for k in range(count):
            into[at + 2 * k], into[at + 2 * k + 1] = pair(self.words[start + k])
        return 0

    def write(self, start, count, source, at):
        if start + count > 65536:
            return 2
        for k in range(count):
            self.words[start + k] = source[at + 2 * k] << 8 | source[at + 2 * k + 1]
        self.writes += 1
        return 0


def _everywhere():
    line = Line()
    line.slave.registers = Everywhere()
    line.slave.configure(1, 9600)
    line.wait(0)
    return line, line.slave.registers


# -- reading -------------------------------------------------------------------------------------------


def _inside(blocks, first, last):
    return [block for block in blocks if block[0] <= first and last <= block[1]] != []


def _ends(blocks):
    """Yield (start, count) around both ends of each block, at most 125 registers."""
    for first, last in blocks:
        size = last + 1 - first
        yield from ((first, 1), (last, 1), (first, min(size, 125)))
        yield from ((last + 1 - min(size, 125), min(size, 125)), (last - 1, 2), (last - 1, 3))
        yield from ((last, 2), (last + 1, 1), (last + 1, 2), (last, 125), (first + 1, min(size, 125)))
        if first:
            yield from ((first - 1, 1), (first - 1, 2), (first - 1, 125))


def _reads(unit, function, blocks):
    source = FIGURES[function]
    for start, count in tuple(_ends(blocks)) + ((0xFFFF, 1), (0xFFFF, 2), (0xFF83, 125), (0x7FFF, 2)):
        fits = _inside(blocks, start, start + count - 1)
        request = read_request(function, start, count, unit)
        yield source, request, count if fits else exception(function, 2, unit)
    for start in [block[0] for block in blocks] + [block[1] for block in blocks] + [9999, 0xFFFF]:
        for count in (0, 126, 127, 255, 256, 257, 0x7FFF, 0x8000, 0x8001, 0xFF01, 0xFFFF):
            yield (
                source + ", the quantity before the address",
                read_request(function, start, count, unit),
                exception(function, 3, unit),
            )


def test_reads_at_every_end_of_every_block_of_every_unit():
    line = _line()
    rows = 0
    for unit, function, blocks in TABLES:
        table = tuple(_reads(unit, function, blocks))
        _walk(line, table)
        rows += len(table)
    assert rows > 500


def test_a_quantity_of_1_to_125_wherever_there_are_registers():
    line, _registers = _everywhere()
    for function in (3, 4):
        _walk(
            line,
            (
                (FIGURES[function], read_request(function, 0, 1), 1),
                (FIGURES[function], read_request(function, 0, 125), 125),
                (FIGURES[function], read_request(function, 0xFFFF, 1), 1),
                (FIGURES[function], read_request(function, 0xFF83, 125), 125),
                (FIGURES[function], read_request(function, 0xFF84, 125), exception(function, 2)),
                (FIGURES[function], read_request(function, 0, 0), exception(function, 3)),
                (FIGURES[function], read_request(function, 0, 126), exception(function, 3)),
            ),
        )


def test_holes_inside_a_block_read_zero():
    line = _line()
    for unit, function, first, last in (
        (NATIVE, 4, 17, 17),
        (NATIVE, 4, 61, 79),
        (NATIVE, 4, 154, 199),
        (NATIVE, 4, 246, 249),
        (NATIVE, 3, 1007, 1007),
        (NATIVE, 3, ADDRESSES["sunspec_pv_address"] + 1, 1099),
        (SDM, 4, 0x3A, 0x3B),
        (SDM, 4, 0x4C, 0xC7),
        (SDM_PV, 4, 0xD0, 0xFD),
        (SDM_PV, 4, 0x100, 0x155),
        (SDM, 3, 0x00, 0x09),
        (SDM, 3, 0x16, 0x1B),
    ):
        count = last + 1 - first
        assert words_of(line.ask(read_request(function, first, count, unit))) == [0] * count, (unit, first)


def test_half_a_value_of_32_bits_may_be_read():
    line = _line()
    line.box.clock_s = 0x69234567
    line.slave.registers.renew()
    for unit, function, at in ((NATIVE, 3, CLOCK), (NATIVE, 4, 110), (SDM, 4, 0), (SDM, 4, 0x34)):
        high, low = words_of(line.ask(read_request(function, at, 2, unit)))
        assert words_of(line.ask(read_request(function, at, 1, unit))) == [high]
        assert words_of(line.ask(read_request(function, at + 1, 1, unit))) == [low]
        assert high != low, "or nothing is shown by this"
    assert words_of(line.ask(read_request(4, 111, 2))) == [2840, 0xFFFD], (
        "the low word, and the next high one"
    )


# -- writing -------------------------------------------------------------------------------------------


def test_06_write_single_register():
    line = _line()
    _walk(
        line,
        (
            ("AP figure 16", write_one(SOC, 0), write_one(SOC, 0)),
            ("AP figure 16", write_one(SOC, 100), write_one(SOC, 100)),
            ("AP figure 16, value", write_one(SOC, 101), exception(6, 3)),
            ("AP figure 16, value", write_one(SOC, 0xFFFF), exception(6, 3)),
            ("AP figure 16, address", write_one(999, 0), exception(6, 2)),
            ("AP figure 16, address", write_one(1100, 0), exception(6, 2)),
            ("AP figure 16, address", write_one(0, 0), exception(6, 2)),
            ("AP figure 16, address", write_one(0xFFFF, 0), exception(6, 2)),
            ("AP figure 16, half a value", write_one(CLOCK, 0x6000), exception(6, 2)),
            ("AP figure 16, half a value", write_one(CLOCK + 1, 0), exception(6, 2)),
            ("AP figure 16, other meters", write_one(0x12, 0, SDM), exception(6, 2, SDM)),
            ("AP figure 16, other meters", write_one(SOC, 1, SDM), exception(6, 2, SDM)),
            ("AP figure 16, other meters", write_one(40000, 0, SUNSPEC), exception(6, 2, SUNSPEC)),
            ("AP figure 16, the last register", write_one(1099, 1), write_one(1099, 1)),
        ),
    )
    assert line.box.battery.soc == 100 and line.box.commits == 1


def test_16_write_multiple_registers():
    line = _line()
    big = [0] * 123
    _walk(
        line,
        (
            ("AP figure 22", write_many(SOC, 1), framed(1, 16, *(pair(SOC) + pair(1)))),
            ("AP figure 22", write_many(GAP, 60, 61), framed(1, 16, *(pair(GAP) + pair(2)))),
            ("AP figure 22, quantity 0", write_many(SOC), exception(16, 3)),
            ("AP figure 22, quantity 0", write_many(SOC, 2, count=0), exception(16, 3)),
            ("AP figure 22, quantity 0, address", write_many(9999, 2, count=0), exception(16, 3)),
            ("AP figure 22, quantity 123, address", write_many(9999, *big), exception(16, 2)),
            ("AP figure 22, quantity 123, across", write_many(1010, *big), exception(16, 2)),
            ("AP figure 22, quantity 124", write_many(9999, *big, count=124), exception(16, 3)),
            ("AP figure 22, quantity 124", write_many(9999, count=124, byte_count=248), None),  # too short
            ("AP figure 22, quantity 128", write_many(SOC, count=128, byte_count=0), exception(16, 3)),
            ("AP figure 22, quantity 129", write_many(SOC, 2, count=129), exception(16, 3)),
            ("AP figure 22, quantity 65535", write_many(SOC, 2, count=0xFFFF), exception(16, 3)),
            ("AP figure 22, byte count - 2", write_many(SOC, 2, byte_count=0), exception(16, 3)),
            ("AP figure 22, byte count - 1", write_many(SOC, 2, byte_count=1), exception(16, 3)),
            ("AP figure 22, byte count + 1", write_many(SOC, 2, byte_count=3), exception(16, 3)),
            ("AP figure 22, byte count + 2", write_many(SOC, 2, byte_count=4), exception(16, 3)),
            ("AP figure 22, quantity + 1", write_many(SOC, 2, count=2), exception(16, 3)),
            ("AP figure 22, before the block", write_many(999, 2, 2), exception(16, 2)),
            ("AP figure 22, past the block", write_many(1099, 1, 0), exception(16, 2)),
            ("AP figure 22, from block to block", write_many(1009, 0, 1), exception(16, 2)),
            ("AP figure 22, past 65535", write_many(0xFFFF, 1, 1), exception(16, 2)),
            ("AP figure 22, only read", write_many(ADDRESSES["ct_ratio"], 1), exception(16, 2)),
            ("AP figure 22, value", write_many(SOC, 101), exception(16, 3)),
            ("AP figure 22, all or none", write_many(GAP, 599, 9), exception(16, 3)),
            ("AP figure 22, half a value", write_many(CLOCK, 0x6000), exception(16, 2)),
            ("AP figure 22, half a value", write_many(CLOCK + 1, 0), exception(16, 2)),
            ("AP figure 22, half a value", write_many(CLOCK - 1, 0, 0x6000), exception(16, 2)),
            ("AP figure 22, whole", write_many(CLOCK, 0x6000, 5), framed(1, 16, *(pair(CLOCK) + pair(2)))),
            ("AP figure 22, other meters", write_many(SOC, 3, unit=SDM), exception(16, 2, SDM)),
            ("AP figure 22, other meters", write_many(40000, 3, unit=SUNSPEC), exception(16, 2, SUNSPEC)),
            ("AP figure 22, quantity first", write_many(40000, unit=SUNSPEC), exception(16, 3, SUNSPEC)),
        ),
    )
    assert line.box.battery.soc == 1 and line.box.clock_s == 0x60000005
    assert line.box.staging.staged == {"restore_gap_s": 60, "soc_stale_s": 61}


def test_16_writes_1_to_123_wherever_there_are_registers():
    line, registers = _everywhere()
    words = [k * 517 & 0xFFFF for k in range(123)]
    _walk(
        line,
        (
            ("AP 6.12", write_many(7, *words), framed(1, 16, 0, 7, 0, 123)),
            ("AP 6.12", write_many(0xFF85, *words), framed(1, 16, 0xFF, 0x85, 0, 123)),
            ("AP figure 22, past 65535", write_many(0xFF86, *words), exception(16, 2)),
            ("SL 2.5.1, at most 256 bytes", write_many(7, *(words + [0])), None),
        ),
    )
    assert list(registers.words[7:130]) == words == list(registers.words[0xFF85:]) and registers.writes == 2


def test_22_mask_write_register():
    line = _line()
    line.ask(write_one(SOC, 0x12))
    same = mask_write(SOC, 0xFFFF, 0xFFFF)
    _walk(
        line,
        (
            ("AP 6.16, its example", mask_write(SOC, 0xF2, 0x25), mask_write(SOC, 0xF2, 0x25)),
            ("AP 6.16, 12 hex became 17 hex", read_request(3, SOC, 1), framed(1, 3, 2, 0, 0x17)),
            ("AP 6.16, nothing changes", same, same),
            ("AP 6.16, it did not", read_request(3, SOC, 1), framed(1, 3, 2, 0, 0x17)),
            ("AP 6.16, AND-mask 0", mask_write(SOC, 0, 0x21), mask_write(SOC, 0, 0x21)),
            ("AP 6.16, the OR-mask is it", read_request(3, SOC, 1), framed(1, 3, 2, 0, 0x21)),
            ("AP figure 26, address", mask_write(999, 0, 0), exception(22, 2)),
            ("AP figure 26, address", mask_write(1100, 0, 0), exception(22, 2)),
            ("AP figure 26, address", mask_write(40, 0, 0), exception(22, 2)),
            ("AP figure 26, only read", mask_write(ADDRESSES["ct_ratio"], 0xFFFF, 0), exception(22, 2)),
            ("AP figure 26, value", mask_write(SOC, 0, 101), exception(22, 3)),
            ("AP 6.16, both masks", mask_write(SOC, 0xFFFD, 0xFF82), mask_write(SOC, 0xFFFD, 0xFF82)),
            ("AP figure 26, half a value", mask_write(CLOCK, 0, 0x6000), exception(22, 2)),
            ("AP figure 26, half a value", mask_write(CLOCK + 1, 0, 0), exception(22, 2)),
            ("AP figure 26, other meters", mask_write(0x12, 0xFFFF, 0, SDM), exception(22, 2, SDM)),
            ("AP figure 26, other meters", mask_write(0x1E, 0xFFFF, 0, SDM), exception(22, 2, SDM)),
            ("AP figure 26, other meters", mask_write(40000, 0xFFFF, 0, SUNSPEC), exception(22, 2, SUNSPEC)),
        ),
    )
    assert line.box.battery.soc == 0x23, "bits of the OR-mask count only where the AND-mask has none"


def test_22_every_pair_of_bits():
    """AP 6.16: (content AND and-mask) OR (or-mask AND NOT and-mask), bit by bit."""
    line, registers = _everywhere()
    for case in range(8):
        content = 0b1111000011110000 ^ (0xFFFF if case & 1 else 0)
        keep = 0b1100110011001100 ^ (0xFFFF if case & 2 else 0)
        put = 0b1010101010101010 ^ (0xFFFF if case & 4 else 0)
        registers.words[3] = content
        assert line.ask(mask_write(3, keep, put)) == mask_write(3, keep, put)
        for bit in range(16):
            kept = keep >> bit & 1
            wanted = content >> bit & 1 if kept else put >> bit & 1
            assert registers.words[3] >> bit & 1 == wanted, (case, bit)


def test_23_read_write_multiple_registers():
    line = _line()
    ok = framed(1, 23, 2, 0, 9)
    _walk(
        line,
        (
            ("AP 6.17, the write comes first", read_write(SOC, 1, SOC, 9), ok),
            ("AP figure 27, quantity of read 0", read_write(SOC, 0, SOC, 10), exception(23, 3)),
            ("AP figure 27, quantity of read 126", read_write(SOC, 126, SOC, 10), exception(23, 3)),
            ("AP figure 27, quantity of read 65535", read_write(SOC, 0xFFFF, SOC, 10), exception(23, 3)),
            ("AP figure 27, quantity of write 0", read_write(SOC, 1, SOC), exception(23, 3)),
            ("AP figure 27, quantity of write 0", read_write(SOC, 1, SOC, 10, written=0), exception(23, 3)),
            ("AP figure 27, quantity of write + 1", read_write(SOC, 1, SOC, 10, written=2), exception(23, 3)),
            ("AP figure 27, quantity 122", read_write(SOC, 1, SOC, 10, written=122), exception(23, 3)),
            ("AP figure 27, quantity 129", read_write(SOC, 1, SOC, 10, written=129), exception(23, 3)),
            ("AP figure 27, byte count - 2", read_write(SOC, 1, SOC, 10, byte_count=0), exception(23, 3)),
            ("AP figure 27, byte count - 1", read_write(SOC, 1, SOC, 10, byte_count=1), exception(23, 3)),
            ("AP figure 27, byte count + 1", read_write(SOC, 1, SOC, 10, byte_count=3), exception(23, 3)),
            ("AP figure 27, byte count + 2", read_write(SOC, 1, SOC, 10, byte_count=4), exception(23, 3)),
            ("AP figure 27, quantity first", read_write(9999, 0, 9999, 10), exception(23, 3)),
            ("AP figure 27, read before the block", read_write(999, 2, SOC, 10), exception(23, 2)),
            ("AP figure 27, read past the block", read_write(1099, 2, SOC, 10), exception(23, 2)),
            ("AP figure 27, read past 65535", read_write(0xFFFF, 2, SOC, 10), exception(23, 2)),
            ("AP figure 27, write before the block", read_write(SOC, 1, 999, 0, 10), exception(23, 2)),
            ("AP figure 27, write past the block", read_write(SOC, 1, 1099, 1, 0), exception(23, 2)),
            ("AP figure 27, only read", read_write(SOC, 1, ADDRESSES["ct_ratio"], 1), exception(23, 2)),
            ("AP figure 27, half a value", read_write(CLOCK, 1, CLOCK, 0x6000), exception(23, 2)),
            ("AP figure 27, address before value", read_write(9999, 1, SOC, 101), exception(23, 2)),
            ("AP figure 27, value", read_write(SOC, 1, SOC, 101), exception(23, 3)),
            ("AP 6.17, it reads what it has not written", read_write(GAP, 2, SOC, 9), 2),
            ("AP figure 27, other meters", read_write(0, 2, SOC, 10, unit=SDM), exception(23, 2, SDM)),
            ("AP figure 27, other meters", read_write(0, 2, 0x0C, 0, 0, unit=SDM), exception(23, 2, SDM)),
            ("AP figure 27, other meters", read_write(40000, 2, 40000, 0, unit=4), exception(23, 2, 4)),
            ("AP figure 27, other meters", read_write(40000, 126, 40000, 0, unit=4), exception(23, 3, 4)),
        ),
    )
    assert line.box.battery.soc == 9
    assert line.ask(read_write(CLOCK, 2, CLOCK, 0x6000, 7)) is not None and line.box.clock_s == 0x60000007
    assert words_of(line.ask(read_write(GAP, 3, GAP, 77))) == [77, 60, 1840]


def test_23_reads_125_and_writes_121_wherever_there_are_registers():
    line, registers = _everywhere()
    words = [k * 519 & 0xFFFF for k in range(121)]
    reply = line.ask(read_write(0, 125, 4, *words))
    assert len(reply) == 255 and words_of(reply) == [0] * 4 + words
    _walk(
        line,
        (
            ("AP figure 27", read_write(0xFFFF, 1, 0, 1), framed(1, 23, 2, 0, 0)),
            ("AP figure 27", read_write(0xFFFF, 1, 0xFFFF, 1), framed(1, 23, 2, 0, 1)),
            ("AP figure 27, 126", read_write(0, 126, 4, *words), exception(23, 3)),
            ("AP figure 27, 122", read_write(0, 125, 4, *words, written=122), exception(23, 3)),
            ("SL 2.5.1, at most 256 bytes", read_write(0, 125, 4, *(words + [0])), None),
            ("AP figure 27, past 65535", read_write(0xFF84, 125, 4, *words), exception(23, 2)),
            ("AP figure 27, past 65535", read_write(0, 125, 0xFF88, *words), exception(23, 2)),
        ),
    )
    assert registers.writes == 3


def test_write_requests_of_a_wrong_length_are_nobodys():
    """SL 2.5.1: a frame that its function cannot have was not sent like that: no reply, nothing executed."""
    line = _line()
    before = _owned(line.box)
    for whole in (
        write_one(SOC, 5),
        write_many(SOC, 5),
        mask_write(SOC, 0, 5),
        read_write(SOC, 1, SOC, 5),
        read_request(3, SOC, 1),
        read_request(4, 0, 1),
    ):
        body = tuple(whole[:-2])
        for wrong in (body[:-1], body[:-2], body[:2], body + (0,), body + (0, 0), body + body):
            assert line.ask(framed(*wrong)) is None, wrong
    assert line.slave.length_errors == 36 and line.slave.requests == 0
    assert _owned(line.box) == before


# -- the exceptions ------------------------------------------------------------------------------------


def test_exception_01_for_every_function_that_is_not_there():
    line = _line()
    for function in range(0x80):
        if function not in FUNCTIONS:
            for unit in UNITS if function in (1, 5, 7) else (NATIVE,):
                for body in ((), (0,), (0, 0, 0, 1), (0, 0, 0, 1, 2, 0, 5)):
                    request = framed(unit, function, *body)
                    assert line.ask(request) == exception(function, 1, unit), ("AP section 7", request)
    assert line.slave.exceptions == line.slave.requests == line.slave.replies


def test_exception_04_when_it_cannot_be_done_now():
    line = _line()
    line.unlock()
    at = ADDRESSES["test_transfer"]
    line.box.state = 3
    _walk(
        line,
        (
            ("AP figure 16, processing", write_one(at, 60), exception(6, 4)),
            ("AP figure 22, processing", write_many(at, 60), exception(16, 4)),
            ("AP figure 26, processing", mask_write(at, 0, 60), exception(22, 4)),
            ("AP figure 27, processing", read_write(SOC, 1, at, 60), exception(23, 4)),
            ("AP section 7, value first", write_one(at, 9), exception(6, 3)),
        ),
    )
    assert line.box.test_s == 0


def test_exception_06_when_it_would_wear_the_flash():
    line = _line()
    line.box.access._refilled_s = line.box.uptime_s
    line.unlock()
    line.ask(write_one(GAP, 100))
    for _ in range(10):
        line.box.access.worn()
    busy = ("commit", 6), ("clear_energy", 6)
    for name, function in busy:
        assert line.ask(write_one(ADDRESSES[name], 1)) == exception(function, 6), "AP section 7"
    assert line.ask(write_many(ADDRESSES["commit"], 1)) == exception(16, 6)
    assert line.ask(mask_write(ADDRESSES["commit"], 0, 1)) == exception(22, 6)
    assert line.ask(read_write(SOC, 1, ADDRESSES["commit"], 1)) == exception(23, 6)
    assert line.ask(write_many(0x12, 0, 0, unit=SDM)) == exception(16, 6, SDM)
    assert line.slave.busy == 6 and line.box.commits == line.box.cleared == 0
    line.box.uptime_s += 59
    assert line.ask(write_one(ADDRESSES["commit"], 1)) == exception(6, 6)
    line.box.uptime_s += 1
    assert line.ask(write_one(ADDRESSES["commit"], 1)) is not None and line.box.commits == 1
    assert line.box.settings["restore_gap_s"] == 100, "what was staged had waited"


def test_the_lock_refuses_addresses():
    line = _line()
    line.serve(write_lock=1)
    _walk(
        line,
        (
            ("AP figure 16", write_one(GAP, 100), exception(6, 2)),
            ("AP figure 22", write_many(GAP, 100), exception(16, 2)),
            ("AP figure 26", mask_write(GAP, 0, 100), exception(22, 2)),
            ("AP figure 27", read_write(GAP, 1, GAP, 100), exception(23, 2)),
            ("AP figure 16, address before value", write_one(GAP, 9999), exception(6, 2)),
            ("AP figure 13", read_request(3, GAP, 1), framed(1, 3, 2, 0, 60)),
            ("AP figure 16, always open", write_one(SOC, 8), write_one(SOC, 8)),
        ),
    )
    line.unlock()
    assert line.ask(write_one(GAP, 100)) == write_one(GAP, 100)


# -- 08, diagnostics -----------------------------------------------------------------------------------


def test_08_sub_functions_and_their_data():
    line = _line()
    for unit in UNITS:
        rows = [
            ("AP 6.8.1, 00", diagnose(0, 0xA537, unit=unit), diagnose(0, 0xA537, unit=unit)),
            ("AP 6.8.1, 00", diagnose(0, unit=unit), diagnose(0, unit=unit)),
            ("AP 6.8.1, 00", diagnose(0, *range(125), unit=unit), diagnose(0, *range(125), unit=unit)),
            ("SL 2.5.1, 256 bytes", diagnose(0, *range(126), unit=unit), None),
            ("AP 6.8.1, 01", diagnose(1, 0, unit=unit), diagnose(1, 0, unit=unit)),
            ("AP 6.8.1, 01", diagnose(1, 0xFF00, unit=unit), diagnose(1, 0xFF00, unit=unit)),
            ("AP 6.8.1, 02", diagnose(2, 0, unit=unit), diagnose(2, 0, unit=unit)),
            ("AP 6.8.1, 0A", diagnose(0x0A, 0, unit=unit), diagnose(0x0A, 0, unit=unit)),
            ("AP 6.8.1, words only", framed(unit, 8, 0, 0, 1), None),
            ("AP 6.8.1, no sub-function", framed(unit, 8), None),
            ("AP 6.8.1, half a sub-function", framed(unit, 8, 0), None),
        ]
        for sub in (1, 2, 4, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12):
            for words in ((), (0, 0), (1,), (0x0100,), (0xFFFF,), (0xFF01,), (0xFE00,), (0x8000,)):
                rows.append(("AP figure 18, data", diagnose(sub, *words, unit=unit), exception(8, 3, unit)))
            if sub != 1:
                rows.append(("AP figure 18, data", diagnose(sub, 0xFF00, unit=unit), exception(8, 3, unit)))
        for sub in (3, 5, 6, 7, 8, 9, 0x13, 0x14, 0x15, 0x100, 0x10A, 0x0A00, 0x7FFF, 0xFFFF):
            for words in ((), (0,), (1,), (0, 0)):
                source = "AP figure 18, sub-function"
                rows.append((source, diagnose(sub, *words, unit=unit), exception(8, 1, unit)))
        _walk(line, rows)
    assert not line.slave._service.listens


def _count(line, sub):
    """Ask for a counter."""
    reply = line.ask(diagnose(sub, 0))
    assert len(reply) == 8 and reply[:4] == bytes((1, 8, 0, sub))
    return reply[4] << 8 | reply[5]


BUS_MESSAGES, BUS_ERRORS, EXCEPTIONS, MESSAGES, UNANSWERED, NAKS, BUSIES, OVERRUNS = range(0x0B, 0x13)


def _trouble(line):
    """Make every counter move, each by another number: 4 errors, 3 exceptions, 2 without a reply, 1 busy."""
    line.ask(read_request(4, 0, 1)[:-1] + b"\0")  # a wrong CRC
    line.ask(b"\1\2")  # too short
    line.ask(b"\1" * 300)  # too long
    line.port.framing_errors += 1
    line.port.overruns += 5
    line.ask(read_request(3, 0, 1, 99))  # for another unit: on the bus, not for us
    line.ask(read_request(4, 9999, 1))
    line.ask(write_one(SOC, 101))
    line.ask(write_one(ADDRESSES["commit"], 1))  # busy
    line.ask(write_one(SOC, 1, 0))
    line.ask(write_one(SOC, 2, 0))
    line.ask(read_request(4, 0, 1, SDM))


def test_08_counters_have_their_real_values():
    line = _line()
    line.box.access._writes, line.box.access._refilled_s = 0, line.box.uptime_s
    assert _count(line, BUS_MESSAGES) == 1, "itself"
    _trouble(line)
    assert _count(line, BUS_MESSAGES) == 1 + 7 + 1
    assert _count(line, BUS_ERRORS) == 4
    assert _count(line, EXCEPTIONS) == 3
    assert _count(line, MESSAGES) == 1 + 6 + 4, "all but those of others"
    assert _count(line, UNANSWERED) == 2
    assert _count(line, NAKS) == 0
    assert _count(line, BUSIES) == 1
    assert _count(line, OVERRUNS) == 5
    assert line.ask(read_request(4, 9999, 1)) and _count(line, EXCEPTIONS) == 4


def test_08_clearing_counters():
    """AP 6.8.1: by 0A and by a restart, and from then on they count again."""
    for clearing in (diagnose(0x0A, 0), diagnose(1, 0), diagnose(1, 0xFF00)):
        line = _line()
        line.box.access._writes, line.box.access._refilled_s = 0, line.box.uptime_s
        _trouble(line)
        before = line.slave.requests, line.slave.crc_errors
        assert line.ask(clearing) == clearing
        assert _count(line, BUS_MESSAGES) == 1
        assert _count(line, MESSAGES) == 2
        for sub in (BUS_ERRORS, EXCEPTIONS, UNANSWERED, NAKS, BUSIES, OVERRUNS):
            assert _count(line, sub) == 0, sub
        _trouble(line)
        got = [_count(line, sub) for sub in (BUS_ERRORS, EXCEPTIONS, UNANSWERED, BUSIES, OVERRUNS)]
        assert got == [4, 3, 2, 1, 5]
        assert line.slave.requests > before[0], "the box's own counters go on"


def test_08_counters_wrap_at_16_bits():
    line = _line()
    for value in (0xFFFE, 0x3FFFFFFE):  # where the slave's own counters wrap, too
        line.ask(diagnose(0x0A, 0))
        line.slave.good_frames = line.slave._service._cleared[0] = value
        assert [_count(line, BUS_MESSAGES) for _ in range(4)] == [1, 2, 3, 4]
    line.slave._service._cleared[0] = 0
    line.slave.good_frames = 0xFFFE
    assert [_count(line, BUS_MESSAGES) for _ in range(3)] == [0xFFFF, 0, 1]


def test_08_listen_only_mode_and_its_end():
    requests = []
    for unit in UNITS:
        requests += [
            read_request(3, SOC, 1, unit),
            read_request(4, 0, 1, unit),
            write_one(SOC, 50, unit),
            write_many(0x12, 0x3F80, 0, unit=unit),
            mask_write(SOC, 0, 50, unit),
            read_write(SOC, 1, SOC, 50, unit=unit),
            framed(unit, 0x11),
            framed(unit, 0x41),
            identify(1, 0, unit),
            diagnose(0, 1, unit=unit),
            diagnose(2, 0, unit=unit),
            diagnose(4, 0, unit=unit),
            diagnose(0x0A, 0, unit=unit),
            diagnose(0x0B, 0, unit=unit),
            diagnose(9, 0, unit=unit),
            diagnose(1, 1, unit=unit),
            diagnose(1, unit=unit),
        ]
    requests += [write_one(SOC, 50, 0), write_many(SOC, 50, unit=0), mask_write(SOC, 0, 50, 0)]
    for asked, ended, data in ((NATIVE, NATIVE, 0), (SDM, NATIVE, 0xFF00), (NATIVE, SUNSPEC, 0)):
        line = _line()
        before = _owned(line.box)
        assert line.ask(diagnose(4, 0, unit=asked)) is None, "AP 6.8.1: no response returned"
        for request in requests:
            assert line.ask(request) is None, ("AP 6.8.1, 04", request)
        assert _owned(line.box) == before and line.slave.replies == 0 and line.slave.exceptions == 0
        assert line.slave.unanswered == line.slave.requests == 1 + len(requests)
        assert line.ask(diagnose(1, data, unit=99)) is None and line.slave._service.listens
        assert line.ask(diagnose(1, data, unit=0)) is None and line.slave._service.listens
        assert line.ask(diagnose(1, data, unit=ended)) is None, "AP 6.8.1, 01: no response in that mode"
        for unit in UNITS:
            assert line.ask(framed(unit, 0x11)) is not None, "AP 6.8.1, 01: it has ended"
        assert _count(line, UNANSWERED) == 1, "the restart itself"


# -- 11 hex and 2B/0E: who this is ---------------------------------------------------------------------

OBJECTS = (
    b"Backup Box",
    b"BackupBox_PLUS",
    b"0.1.0",
    b"",
    b"Three-phase backup box with meter",
    b"BackupBox_PLUS",
    b"test",
)


def _identified(code, *numbers, unit=1):
    """Return the reply that lists these objects: AP 6.21, response parameters."""
    body = b""
    for number in numbers:
        body += bytes((number, len(OBJECTS[number]))) + OBJECTS[number]
    return framed(unit, 0x2B, 0x0E, code, 0x82, 0, 0, len(numbers), *body)


def test_2b_0e_identification():
    line = _line()
    everything = tuple(range(7))
    ones = diagnose(0, *([0xFFFF] * 125))
    for unit in UNITS:
        rows = [
            ("AP 6.21, basic", identify(1, 0, unit), _identified(1, 0, 1, 2, unit=unit)),
            ("AP 6.21, basic from 1", identify(1, 1, unit), _identified(1, 1, 2, unit=unit)),
            ("AP 6.21, basic from 2", identify(1, 2, unit), _identified(1, 2, unit=unit)),
            ("AP 6.21, regular", identify(2, 0, unit), _identified(2, *everything, unit=unit)),
            ("AP 6.21, regular from 5", identify(2, 5, unit), _identified(2, 5, 6, unit=unit)),
            ("AP 6.21, regular from 6", identify(2, 6, unit), _identified(2, 6, unit=unit)),
            ("AP 6.21, above its level", identify(3, 0, unit), _identified(3, *everything, unit=unit)),
            ("AP 6.21, above its level", identify(3, 6, unit), _identified(3, 6, unit=unit)),
        ]
        for number in everything:
            row = "AP 6.21, individual", identify(4, number, unit), _identified(4, number, unit=unit)
            rows.append(row)
        for number in (7, 8, 0x7F, 0x80, 0x83, 0xFF):
            rows += [
                ("AP figure 30, object", identify(4, number, unit), exception(0x2B, 2, unit)),
                ("AP 6.21, restart", identify(1, number, unit), _identified(1, 0, 1, 2, unit=unit)),
                ("AP 6.21, restart", identify(2, number, unit), _identified(2, *everything, unit=unit)),
                ("AP 6.21, restart", identify(3, number, unit), _identified(3, *everything, unit=unit)),
            ]
        rows.append(("AP 6.21, restart", identify(1, 3, unit), _identified(1, 0, 1, 2, unit=unit)))
        for code in (0, 5, 0x0E, 0x7F, 0x80, 0x84, 0xFF):
            for number in (0, 200):
                rows.append(("AP figure 30, code", identify(code, number, unit), exception(0x2B, 3, unit)))
        for body in ((0x0E,), (0x0E, 1), (0x0E, 1, 0, 0), (0x0E, 4, 0, 0, 0)):
            rows.append(("AP figure 30, data", framed(unit, 0x2B, *body), exception(0x2B, 3, unit)))
        for mei in (0, 1, 0x0C, 0x0D, 0x0F, 0x8E, 0xFF):
            rows.append(("AP 6.19, MEI type", framed(unit, 0x2B, mei), exception(0x2B, 1, unit)))
            rows.append(("AP 6.19, MEI type", framed(unit, 0x2B, mei, 1, 0), exception(0x2B, 1, unit)))
        rows.append(("AP 6.19, no MEI type", framed(unit, 0x2B), None))
        for row in rows:
            assert line.ask(ones) == ones  # nothing of a reply may be left of the one before
            _walk(line, (row,))


def test_11_report_server_id():
    line = _line()
    for unit in UNITS:
        text = b"BackupBox_PLUS 0.1.0\xff"  # the identifier, and behind it: it runs
        _walk(
            line,
            (
                ("AP figure 23", framed(unit, 0x11), framed(unit, 0x11, len(text), *text)),
                ("AP 6.13, nothing but the function", framed(unit, 0x11, 0), None),
                ("AP 6.13, nothing but the function", framed(unit, 0x11, 0, 0), None),
            ),
        )


def test_a_bench_board_says_that_it_is_one():
    assert identity("bench", True) == OBJECTS[:2] + (b"0.1.0 BENCH",) + OBJECTS[3:6] + (b"bench",)


def test_a_slave_without_an_identity_says_so():
    line = Line()
    line.slave = ModbusSlave(FakePort(9600), Everywhere(), 1, 9600)
    line.port = line.slave.port
    line.now_us = START_US
    _walk(
        line,
        (
            ("AP figure 23", framed(1, 0x11), framed(1, 0x11, 1, 0xFF)),
            ("AP figure 30, function", identify(1, 0), exception(0x2B, 1)),
            ("AP 6.8.1", diagnose(0, 5), diagnose(0, 5)),
        ),
    )
    assert Service(()).listens is False


# -- broadcast -----------------------------------------------------------------------------------------


def test_a_broadcast_write_is_executed_in_silence():
    """SL 2.1: address 0 is for writing, all slaves must accept it, and none answers."""
    line = _line()
    for soc, request in (
        (21, write_one(SOC, 21, 0)),
        (22, write_many(SOC, 22, unit=0)),
        (23, mask_write(SOC, 0, 23, 0)),
    ):
        assert line.ask(request) is None and line.box.battery.soc == soc, request
    before = _owned(line.box)
    for request in (
        write_one(SOC, 101, 0),
        write_one(9999, 1, 0),
        write_many(SOC, 1, byte_count=4, unit=0),
        write_many(SOC, unit=0),
        mask_write(9999, 0, 1, 0),
        write_one(ADDRESSES["clear_energy"], 1, 0),
    ):
        assert line.ask(request) is None and _owned(line.box) == before, request
    assert line.slave.requests == line.slave.unanswered == 9
    assert line.slave.exceptions == 6, "SL 2.1: counted, if not told"
    assert line.ask(framed(1, 0x11)) is not None


def test_a_broadcast_that_would_need_an_answer_is_ignored():
    line = _line()
    before = _owned(line.box)
    for request in (
        read_request(3, SOC, 1, 0),
        read_request(4, 0, 1, 0),
        read_write(SOC, 1, SOC, 50, unit=0),
        framed(0, 0x11),
        framed(0, 0x41),
        identify(1, 0, 0),
        diagnose(0, 1, unit=0),
        diagnose(1, 0, unit=0),
        diagnose(4, 0, unit=0),
        diagnose(0x0A, 0, unit=0),
    ):
        assert line.ask(request) is None, request
    assert _owned(line.box) == before and line.slave.ignored == 10 and line.slave.requests == 0
    assert not line.slave._service.listens and line.slave.unanswered == 0

"""The register engine on small tables of its own: blocks, holes, values cut by a range, whole writes."""

from firmware.publish.register_map import (
    HOLDING,
    ILLEGAL_ADDRESS,
    ILLEGAL_VALUE,
    INPUT,
    SINGLE,
    AddressSpace,
    RegisterMap,
    row,
)
from firmware.publish.words import ASCII, F32, I16, I32, U16, U32, quantity

NUMBER = quantity(U16, 1, "", 1)
TENTH_I32 = quantity(I32, 0.1, "W", 10)
BLOCKS = ((10, 29), (40, 41))


class _Plant:
    """Remembers the order of what was written."""

    def __init__(self):
        self.written = []
        self.refuse = False

    def set(self, name, value):
        self.written.append((name, value))
        return not (self.refuse and name == "last")


def _row(address, name, kind=U16, run=SINGLE, most=100, writable=True):
    accept = (lambda box, n, raw: raw <= most) if writable else None
    write = (lambda box, n, raw: box.set(name + run[n], raw)) if writable else None
    return row(address, name, run, quantity(kind, 1, "", 1), lambda box, n: address + n, accept, write)


def _holding():
    return [
        _row(10, "a"),
        _row(11, "b"),
        _row(12, "fixed", writable=False),
        _row(13, "wide", U32, most=0x20000),
        _row(15, "signed", I16, ("_l1", "_l2", "_l3"), most=5),
        _row(20, "twice", U32, ("_l1", "_l2")),
        _row(40, "next"),
        _row(41, "last"),
    ]


def _inputs():
    return [
        row(110, "text", SINGLE, quantity(ASCII, 1, "", 1, 3), lambda box, n: b"ABCDE"),
        row(114, "power", ("_l1", "_l2"), TENTH_I32, lambda box, n: (-1.5, 6553.7)[n]),
        row(120, "float", SINGLE, quantity(F32, 1, "", 1), lambda box, n: 1.5),
        row(122, "nothing", SINGLE, NUMBER, lambda box, n: None),
    ]


def _map():
    plant = _Plant()
    return plant, RegisterMap(plant, AddressSpace(((110, 123),), _inputs()), AddressSpace(BLOCKS, _holding()))


def _read(registers, table, start, count):
    into = bytearray(b"\xee" * (2 * count + 2))
    code = registers.read(table, start, count, into, 1)
    if code:
        return code
    assert into[0] == 0xEE and into[-1] == 0xEE  # nothing beside its place
    return [(into[1 + 2 * k] << 8) | into[2 + 2 * k] for k in range(count)]


def _write(registers, start, *words):
    source = bytearray(b"\xee")
    for word in words:
        source += bytes(((word >> 8) & 255, word & 255))
    return registers.write(start, len(words), source, 1)


WHOLE = [0x4142, 0x4344, 0x4500, 0, 0xFFFF, 0xFFF1, 1, 1, 0, 0, 0x3FC0, 0, 0xFFFF, 0]


def test_every_range_inside_a_block_is_a_piece_of_the_whole():
    _, registers = _map()
    for first in range(14):
        for last in range(first, 14):
            words = _read(registers, INPUT, 110 + first, last - first + 1)
            assert words == WHOLE[first : last + 1], (first, last, words)


def test_ranges_that_leave_a_block_are_illegal_addresses():
    _, registers = _map()
    for table, start, count in (
        (INPUT, 109, 1),
        (INPUT, 109, 2),
        (INPUT, 123, 2),
        (INPUT, 124, 1),
        (INPUT, 0, 125),
        (INPUT, 65535, 1),
        (INPUT, 65535, 125),
        (INPUT, 10, 1),
        (INPUT, 110, 0),
        (HOLDING, 110, 1),
        (HOLDING, 29, 12),
        (HOLDING, 30, 1),
        (HOLDING, 40, 3),
    ):
        assert _read(registers, table, start, count) == ILLEGAL_ADDRESS, (table, start, count)


def test_holding_values_and_holes():
    _, registers = _map()
    assert _read(registers, HOLDING, 10, 10) == [10, 11, 12, 0, 13, 15, 16, 17, 0, 0]
    assert _read(registers, HOLDING, 29, 1) == [0]
    assert _read(registers, HOLDING, 40, 2) == [40, 41]


def test_writes_reach_their_rows_in_the_order_of_addresses():
    plant, registers = _map()
    assert _write(registers, 10, 7) == 0
    assert _write(registers, 13, 1, 2, 3, 0xFFFE, 5) == 0
    assert plant.written == [
        ("a", 7),
        ("wide", 0x10002),
        ("signed_l1", 3),
        ("signed_l2", -2),
        ("signed_l3", 5),
    ]


def test_nothing_is_written_unless_everything_can_be():
    for start, words, code in (
        (10, (1, 2, 3), ILLEGAL_ADDRESS),  # runs into a read-only one
        (12, (1,), ILLEGAL_ADDRESS),
        (17, (1, 2), ILLEGAL_ADDRESS),  # runs into a hole
        (18, (1,), ILLEGAL_ADDRESS),
        (9, (1, 2), ILLEGAL_ADDRESS),
        (41, (1, 2), ILLEGAL_ADDRESS),
        (13, (1,), ILLEGAL_ADDRESS),  # half a value
        (14, (1, 2), ILLEGAL_ADDRESS),
        (21, (0, 0), ILLEGAL_ADDRESS),  # two halves
        (10, (), ILLEGAL_ADDRESS),
        (65535, (1, 2), ILLEGAL_ADDRESS),
        (110, (1,), ILLEGAL_ADDRESS),  # an input register's number
        (10, (1, 101), ILLEGAL_VALUE),
        (10, (101, 1), ILLEGAL_VALUE),
        (13, (2, 1), ILLEGAL_VALUE),
        (15, (1, 2, 6), ILLEGAL_VALUE),
        (10, (101, 1, 1), ILLEGAL_ADDRESS),  # the address is judged before the value
    ):
        plant, registers = _map()
        assert _write(registers, start, *words) == code, (start, words)
        assert plant.written == [], (start, words)


def test_a_refusal_of_the_last_row_is_an_illegal_value():
    plant, registers = _map()
    plant.refuse = True
    assert _write(registers, 40, 1, 2) == ILLEGAL_VALUE
    plant.refuse = False
    assert _write(registers, 40, 1, 2) == 0


def _refused(make):
    try:
        make()
    except ValueError as error:
        return str(error)
    return ""


def test_a_table_that_cannot_be_is_refused():
    text = quantity(ASCII, 1, "", 1, 3)
    accept = _row(0, "x")[5]
    for rows, reason in (
        ([_row(10, "a"), _row(10, "b")], "overlaps"),
        ([_row(10, "wide", U32), _row(11, "b")], "overlaps"),
        ([_row(30, "a")], "outside"),
        ([_row(29, "wide", U32)], "outside"),
        ([row(10, "text", SINGLE, text, None, accept, accept)], "type"),
    ):
        assert reason in _refused(lambda: AddressSpace(BLOCKS, rows)), reason  # noqa: B023  used at once
    spaces = AddressSpace(((0, 9),), []), AddressSpace(((9, 12),), [])
    assert "overlap at 9" in _refused(lambda: RegisterMap(None, *spaces))

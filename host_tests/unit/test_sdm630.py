"""The SDM630's holding registers: floats, whole ones only, and never older than the settings."""

import struct

from firmware.publish.register_map import BUSY
from host_tests.unit.modbus_line import (
    ADDRESSES,
    Line,
    exception,
    framed,
    mask_write,
    pair,
    read_request,
    read_write,
    words_of,
    write_many,
    write_one,
)

GRID, PV = 2, 3
SYSTEM, FORMAT, ADDRESS, BAUD = 0x0A, 0x12, 0x14, 0x1C


def float_words(value):
    return struct.unpack(">HH", struct.pack(">f", value))


def as_float(reply):
    return struct.unpack(">f", struct.pack(">HH", *words_of(reply)))[0]


def _line():
    line = Line()
    line.serve(sdm_grid_address=GRID, sdm_pv_address=PV)
    return line


def _shown(line, address, unit=GRID):
    return as_float(line.ask(read_request(3, address, 2, unit)))


def test_what_it_shows_of_the_settings():
    line = _line()
    assert [_shown(line, at) for at in (SYSTEM, FORMAT, ADDRESS, BAUD)] == [3.0, 0.0, 2.0, 2.0]
    assert _shown(line, ADDRESS, PV) == 3.0
    line.box.phases = 1
    line.serve(line_format=1)
    assert _shown(line, SYSTEM) == 1.0


def test_a_write_takes_effect_after_the_reply():
    line = _line()
    request = write_many(BAUD, *float_words(7), unit=GRID)
    assert line.ask(request) == framed(GRID, 16, *(pair(BAUD) + pair(2)))
    assert line.port.configured == [115200] and line.box.settings["baud_rate"] == 115200
    assert line.ask(write_many(FORMAT, *float_words(3), unit=GRID)) is not None
    assert line.box.settings["line_format"] == 3
    both = float_words(1) + float_words(77)
    assert line.ask(write_many(FORMAT, *both, unit=GRID)) == framed(GRID, 16, *(pair(FORMAT) + pair(4)))
    assert line.box.settings["line_format"] == 1 and line.box.settings["sdm_grid_address"] == 77
    assert line.ask(read_request(3, BAUD, 2, GRID)) is None
    assert _shown(line, ADDRESS, 77) == 77.0 and _shown(line, ADDRESS, PV) == 3.0


def test_every_code_of_the_baud_rate():
    for code, baud in enumerate((2400, 4800, 9600, 19200, 38400, 1200, 57600, 115200)):
        line = _line()
        assert line.ask(write_many(BAUD, *float_words(code), unit=PV)) is not None, baud
        assert line.box.settings["baud_rate"] == baud == line.slave.baud
        assert _shown(line, BAUD) == code


def test_the_highest_address_that_a_unit_can_have():
    line = _line()
    assert line.ask(write_many(ADDRESS, *float_words(247), unit=GRID)) is not None
    assert _shown(line, ADDRESS, 247) == 247.0


def test_what_it_refuses():
    line = _line()
    running = line.box.settings
    for code, at, words in (
        (2, FORMAT, (0,)),  # half a float
        (2, FORMAT + 1, (0,)),
        (2, FORMAT - 1, (0, 0)),
        (2, FORMAT + 1, (0, 0)),
        (2, FORMAT, (0, 0, 0)),
        (2, SYSTEM, float_words(3)),  # only read
        (2, 0, float_words(0)),
        (2, FORMAT - 2, float_words(0) * 2),
        (2, ADDRESS, float_words(9) * 2),  # runs into what is only read
        (2, BAUD, float_words(0) * 2),  # runs past the end
        (2, 0x1E, float_words(0)),
        (2, 0xFFFE, float_words(0)),
        (3, FORMAT, float_words(4)),
        (3, FORMAT, float_words(0.5)),
        (3, FORMAT, float_words(-1)),
        (3, FORMAT, (0x7FC0, 0)),  # not a number
        (3, FORMAT, (0x7F80, 0)),  # infinite
        (3, ADDRESS, float_words(0)),
        (3, ADDRESS, float_words(248)),
        (3, ADDRESS, float_words(1)),  # the native unit's
        (3, ADDRESS, float_words(PV)),
        (3, BAUD, float_words(8)),
        (3, FORMAT, float_words(2) + float_words(0)),  # the first would do: all or none
    ):
        assert line.ask(write_many(at, *words, unit=GRID)) == exception(16, code, GRID), (at, words)
    assert line.ask(write_one(FORMAT, 0x3F80, GRID)) == exception(6, 2, GRID)
    assert line.ask(mask_write(FORMAT, 0, 0x3F80, GRID)) == exception(22, 2, GRID)
    assert line.ask(read_write(FORMAT, 2, FORMAT, 0x3F80, unit=GRID)) == exception(23, 2, GRID)
    assert line.box.settings is running


def test_reading_and_writing_at_once_reads_what_was_written():
    line = _line()
    reply = line.ask(read_write(FORMAT, 2, FORMAT, *float_words(2), unit=GRID))
    assert reply[:3] == bytes((GRID, 23, 4)) and as_float(reply) == 2.0
    assert line.box.settings["line_format"] == 2


def test_the_lock_and_the_wear_of_the_flash_hold_here_too():
    line = _line()
    line.serve(write_lock=1)
    request = write_many(FORMAT, *float_words(1), unit=GRID)
    assert line.ask(request) == exception(16, 2, GRID)
    line.unlock()
    for _ in range(10):
        line.box.access.worn()
    line.box.uptime_s += 1  # a minute later the next would be free, and the keys forgotten
    line.box.access._refilled_s = line.box.uptime_s
    assert line.ask(request) == exception(16, BUSY, GRID)
    assert line.slave.busy == 1 and line.box.settings["line_format"] == 0
    line.box.access._writes = 1
    assert line.ask(request) is not None and line.box.settings["line_format"] == 1


def test_it_shows_what_was_changed_at_another_unit_address():
    line = _line()
    assert line.ask(write_many(FORMAT, *float_words(2), unit=GRID)) is not None
    assert _shown(line, FORMAT, PV) == 2.0
    assert line.ask(write_one(ADDRESSES["baud_rate"], 192)) is not None
    assert _shown(line, BAUD) == 2.0, "only staged"
    assert line.ask(write_one(ADDRESSES["commit"], 1)) is not None
    assert _shown(line, BAUD) == _shown(line, BAUD, PV) == 3.0

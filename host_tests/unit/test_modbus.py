"""The RTU slave on a line with times: framing, exceptions, silence where there must be silence."""

from firmware import ticks
from firmware.hardware.rtu_timing import silence_us
from firmware.publish.modbus import ModbusSlave
from firmware.publish.registers import BENCH_GRID, SETTINGS_FIRST, Registers
from firmware.publish.service import Service
from host_tests.unit.modbus_line import (
    ADDRESSES,
    COUNTERS,
    SOC,
    Line,
    diagnose,
    exception,
    framed,
    identify,
    mask_write,
    pair,
    read_request,
    read_write,
    write_many,
    write_one,
)

GOOD = read_request(4, 0, 8)
MODEL = framed(1, 4, 16, *b"BackupBox_PLUS\0\0")


def test_reads():
    line = Line()
    assert line.ask(GOOD) == MODEL
    assert line.ask(read_request(3, 1002, 1)) == framed(1, 3, 2, 0, 1)
    both_meters = line.ask(read_request(4, 100, 125))
    assert both_meters[:3] == bytes((1, 4, 250)) and len(both_meters) == 255
    assert line.slave.requests == 3 and line.slave.replies == 3 and line.slave.good_frames == 3


def test_writes_are_echoed():
    line = Line()
    assert line.ask(write_one(SOC, 42)) == write_one(SOC, 42)
    assert line.box.battery.soc == 42
    assert line.ask(write_many(SOC, 43)) == framed(1, 16, *(pair(SOC) + (0, 1)))
    assert line.box.battery.soc == 43


def test_exceptions_in_their_order():
    """Function, quantity, address, value: Application Protocol, figures 13 to 22."""
    line = Line()
    for request, reply in (
        (framed(1, 5, 0, 0, 255, 0), exception(5, 1)),
        (framed(1, 0x7F), exception(0x7F, 1)),
        (framed(1, 0), exception(0, 1)),
        (read_request(4, 0, 0), exception(4, 3)),
        (read_request(4, 100, 126), exception(4, 3)),
        (read_request(3, 9999, 0), exception(3, 3)),  # the quantity is judged before the address
        (read_request(3, 9999, 126), exception(3, 3)),
        (read_request(4, 9999, 0xFFFF), exception(4, 3)),
        (read_request(4, 9999, 1), exception(4, 2)),
        (read_request(4, 0xFFFF, 125), exception(4, 2)),
        (read_request(3, 0, 1), exception(3, 2)),  # an input register
        (read_request(4, 1000, 1), exception(4, 2)),  # a holding register
        (read_request(4, 18, 3), exception(4, 2)),  # starts inside a block and leaves it
        (read_request(4, 126, 125), exception(4, 2)),
        (read_request(3, 1000, 125), exception(3, 2)),
        (write_one(9999, 1), exception(6, 2)),
        (write_one(ADDRESSES["ct_ratio"], 2), exception(6, 2)),
        (write_one(ADDRESSES["state"], 1), exception(6, 2)),
        (write_one(BENCH_GRID, 1), exception(6, 2)),  # this is no bench board
        (write_one(SOC, 101), exception(6, 3)),
        (write_one(ADDRESSES["commit"], 2), exception(6, 3)),
        (write_many(SOC), exception(16, 3)),
        (write_many(SOC, 50, count=2), exception(16, 3)),
        (write_many(SOC, 50, byte_count=1), exception(16, 3)),
        (write_many(SOC, 50, 1, byte_count=2), exception(16, 3)),
        (write_many(9999, 50, byte_count=4), exception(16, 3)),
        (write_many(9999, 50, count=0), exception(16, 3)),
        (write_many(9999, *([0] * 123)), exception(16, 2)),
        (write_many(SOC, *([0] * 123), count=124), exception(16, 3)),
        (write_many(SOC, 50, 1, 1), exception(16, 2)),
        (write_many(ADDRESSES["commit"], 1, 0), exception(16, 2)),  # past the end of the block
        (write_one(ADDRESSES["reset_faults"], 1), exception(6, 2)),  # not unlocked
        (write_many(SOC, 101), exception(16, 3)),
    ):
        assert line.ask(request) == reply, (request, reply)
    assert line.box.battery.soc == -1 and line.box.resets == 0 and not line.box.staging.staged
    assert line.slave.exceptions == line.slave.requests == line.slave.replies


def test_most_registers_at_once():
    line = Line()
    registers = line.slave.registers = _Everywhere()
    line.slave.configure(1, 9600)
    line.wait(0)
    assert len(line.ask(read_request(3, 0, 125))) == 255
    assert line.ask(read_request(3, 0, 126)) == exception(3, 3)
    assert line.ask(write_many(0, *range(123))) == framed(1, 16, 0, 0, 0, 123)
    assert registers.written == 123


class _Everywhere:
    """Registers at every address."""

    written = 0

    def read(self, _table, _start, count, into, at):
        for k in range(2 * count):
            into[at + k] = k & 255
        return 0

    def write(self, _start, count, _source, _at):
        self.written += count
        return 0


def _silent(frame, counter, line=None):
    """The frame gets no reply, does nothing, moves one counter, and spoils nothing."""
    line = line or Line()
    before = line.counts()
    assert line.ask(frame) is None, frame
    after = line.counts()
    assert {name for name in COUNTERS if after[name] != before[name]} == {counter}, (frame, after)
    assert after[counter] == before[counter] + 1
    assert line.box.battery.soc == -1 and line.box.commits == 0 and line.box.resets == 0
    assert line.ask(GOOD) == MODEL, frame


def test_damaged_frames_are_silent():
    spoiled = bytearray(write_one(SOC, 50))
    for k in range(len(spoiled)):
        for bit in (1, 128):
            spoiled[k] ^= bit
            _silent(bytes(spoiled), "crc_errors")
            spoiled[k] ^= bit
    for n in range(4, 8):
        _silent(write_one(SOC, 50)[:n], "crc_errors")


def test_short_and_long_frames_are_silent():
    for n in range(1, 4):
        _silent(GOOD[:n], "short_frames")
    _silent(bytes(3), "short_frames")
    for n in (257, 258, 300, 319, 320, 321, 1000):
        _silent(b"\x01" * n, "long_frames")
    _silent(framed(*([1, 0x41] + [0] * 253)), "long_frames")
    _silent(b"\x01" * 256, "crc_errors")
    assert Line().ask(framed(*([1, 0x41] + [0] * 252))) == exception(0x41, 1)  # 256 bytes are allowed


def test_lengths_that_a_function_cannot_have_are_silent():
    """A right CRC is not enough: a trailing 00 always leaves it right."""
    body = tuple(write_one(SOC, 50)[:6])
    for frame in (
        write_one(SOC, 50) + b"\0",
        framed(*(body + (0, 0))),  # function 06 with two extra bytes
        framed(*body[:5]),
        framed(1, 6),
        framed(1, 3, 0, 0, 0),
        framed(1, 4, 0, 0, 0, 1, 0),
        framed(1, 16),
        framed(1, 16, 3, 232, 0, 1),
        framed(1, 16, 3, 232, 0, 1, 2),
        framed(1, 16, 3, 232, 0, 1, 2, 50),
        framed(1, 16, 3, 232, 0, 1, 2, 0, 50, 0),
        framed(1, 16, 3, 232, 0, 1, 2, 0, 50, 0, 0),
    ):
        _silent(frame, "length_errors")


def test_other_units_are_silent():
    for unit in (2, 17, 247, 248, 255):
        _silent(write_one(SOC, 50, unit), "foreign_frames")
        _silent(framed(unit, 0x11), "foreign_frames")


def test_function_codes_from_80_hex_are_not_requests():
    for function in (0x80, 0x83, 0x86, 0x90, 0xFF):
        _silent(framed(1, function, 2), "ignored")
        _silent(framed(1, function, 0, 0, 0, 1), "ignored")


def test_broadcast_writes_are_executed_without_a_reply():
    line = Line()
    assert line.ask(write_one(SOC, 33, 0)) is None
    assert line.box.battery.soc == 33
    assert line.ask(write_many(SOC, 34, unit=0)) is None
    assert line.box.battery.soc == 34
    assert line.ask(write_one(SOC, 101, 0)) is None
    assert line.ask(write_one(ADDRESSES["ct_ratio"], 2, 0)) is None
    assert line.box.battery.soc == 34
    assert line.slave.requests == 4 and line.slave.replies == 0
    assert line.ask(GOOD) == MODEL


def test_broadcast_reads_and_unknown_functions_are_ignored():
    _silent(read_request(3, 1000, 1, 0), "ignored")
    _silent(read_request(4, 0, 1, 0), "ignored")
    _silent(framed(0, 0x11), "ignored")


def test_silence_of_t35():
    for baud in (9600, 19200, 38400, 115200):
        line = Line(baud)
        line.port.hear(GOOD, line.now_us)
        line.wait(silence_us(baud) - 1)
        assert not line.port.sent
        line.wait(1)
        assert line.port.sent == [MODEL]


def test_a_frame_may_come_in_pieces_with_less_than_t35_between():
    line = Line()
    for k in range(len(GOOD)):
        line.port.hear(GOOD[k : k + 1], line.now_us)
        line.wait(3645)
        assert not line.port.sent
    line.wait(1)
    assert line.port.sent == [MODEL]


def test_a_frame_split_by_t35_is_two_bad_ones():
    line = Line()
    assert line.ask(GOOD[:4]) is None
    assert line.ask(GOOD[4:]) is None
    assert line.ask(GOOD) == MODEL


def test_a_late_loop_still_answers():
    line = Line()
    line.port.hear(GOOD, line.now_us)
    line.wait(400000)
    assert line.port.sent == [MODEL]


def test_glued_frames_do_nothing_and_the_next_is_answered():
    for glued in (
        write_one(SOC, 50) + GOOD,
        GOOD + GOOD,
        write_one(SOC, 50, 2) + write_one(SOC, 50),
        b"\0" + write_one(SOC, 50),
        b"\xff\xff" + write_one(SOC, 50),
    ):
        line = Line()
        assert line.ask(glued) is None
        assert line.box.battery.soc == -1
        assert line.ask(GOOD) == MODEL


def test_after_trouble_a_good_request_at_t35_is_answered():
    for trouble in (GOOD[:-1] + b"\0", write_one(SOC, 50, 2), b"\x55", b"\xff" * 300):
        for baud in (9600, 115200):
            line = Line(baud)
            gap = silence_us(baud)
            line.port.hear(trouble, line.now_us)
            line.wait(gap)  # the request's first byte comes right then
            line.port.hear(GOOD, line.now_us)
            line.wait(gap)
            assert line.port.sent == [MODEL], (trouble, baud)


def test_what_comes_while_sending_is_ignored():
    line = Line()
    line.port.hear(GOOD, line.now_us)
    line.wait(4000)
    assert len(line.port.sent) == 1
    line.port.hear(write_one(SOC, 50), line.now_us)
    line.wait(2000)
    line.rest()
    assert len(line.port.sent) == 1 and line.box.battery.soc == -1
    assert line.ask(GOOD) == MODEL


def test_a_repeated_request_is_a_request():
    line = Line()
    for n in range(1, 4):
        line.port.hear(write_one(SOC, 7), line.now_us)
        line.wait(100000)
        assert len(line.port.sent) == n
        line.wait(10000)


def test_of_what_came_while_the_loop_was_away_only_the_last_is_answered():
    """Nobody waits for an answer any more once the master has said something else."""
    line = Line()
    for frame in (write_one(SOC, 50), write_one(SOC, 33, 0), write_one(SOC, 60, 2), GOOD):
        line.port.hear(frame, line.now_us)
        line.now_us = ticks.add(line.now_us, 20000)
    line.wait(0)
    assert line.port.sent == [MODEL]
    assert line.box.battery.soc == 33, "a broadcast waits for no answer"
    assert line.slave.late_frames == line.slave.foreign_frames == 1
    line.rest()
    line.port.hear(GOOD, line.now_us)
    line.now_us = ticks.add(line.now_us, 20000)
    line.port.hear(write_one(SOC, 60, 2), line.now_us)
    line.wait(20000)
    assert line.port.sent == [MODEL] and line.slave.late_frames == 2, "the line is another slave's"


def test_what_waits_is_not_touched_while_the_reply_is_being_sent():
    line = Line()
    line.port.hear(GOOD, line.now_us)
    line.wait(4000)
    assert line.port.sent == [MODEL]
    line.port._framing.hear(GOOD, line.now_us)  # as if the port had let it through
    line.wait(10000)
    assert line.port.sent == [MODEL]  # FakePort would refuse a second frame
    line.wait(20000)
    assert line.port.sent == [MODEL, MODEL]


def test_a_step_says_when_a_reply_has_been_started():
    line = Line()
    assert not line.slave.step(line.port.at(line.now_us))
    for frame, started in ((GOOD, True), (write_one(SOC, 1, 0), False), (GOOD[:5], False)):
        line.port.hear(frame, line.now_us)
        line.now_us = ticks.add(line.now_us, 4000)
        assert line.slave.step(line.port.at(line.now_us)) is started
        assert line.slave.step(line.port.at(line.now_us)) is False, "it is still on its way"
        line.rest()


def _commit(line, unit):
    return write_one(ADDRESSES["commit"], 1, unit)


def test_address_and_baud_change_after_the_reply():
    line = Line()
    assert line.ask(write_many(ADDRESSES["unit_address"], 7, 1152))
    assert line.ask(GOOD) == MODEL  # staged only
    line.port.hear(_commit(line, 1), line.now_us)
    line.wait(4000)
    assert line.port.sent[-1] == _commit(line, 1)  # under the old address
    assert line.port.configured == []
    line.wait(1000)
    assert line.port.configured == []  # still sending
    line.rest()
    assert line.port.configured == [115200] and line.slave.unit_address == 7
    assert line.ask(GOOD) is None
    assert line.ask(read_request(4, 0, 8, 7)) == framed(7, *MODEL[1:-2])


def test_a_broadcast_commit_changes_at_once():
    line = Line()
    assert line.ask(write_one(ADDRESSES["unit_address"], 9, 0)) is None
    assert line.ask(_commit(line, 0)) is None
    assert line.slave.unit_address == 9 and line.port.configured == []
    assert line.ask(read_request(4, 16, 1, 9)) is not None


def test_a_refused_commit_changes_nothing():
    line = Line()
    line.ask(write_one(ADDRESSES["unit_address"], 9))
    line.ask(write_one(ADDRESSES["load_management_enable"], 1))
    assert line.ask(_commit(line, 1)) == exception(6, 3)
    assert line.slave.unit_address == 1
    line.ask(_commit(line, 1))
    assert line.slave.unit_address == 1  # what was staged has gone


def test_one_request_over_the_settings_block():
    line = Line()
    count = ADDRESSES["commit"] - SETTINGS_FIRST
    reply = line.ask(read_request(3, SETTINGS_FIRST, count + 1))
    words = [reply[k] << 8 | reply[k + 1] for k in range(3, 3 + 2 * count, 2)]
    words[0] = 12
    assert line.ask(write_many(SETTINGS_FIRST, *(words + [1]))) is not None
    assert line.slave.unit_address == 12 and line.box.settings["unit_address"] == 12


def test_polls_advance_without_any_traffic_and_counters_wrap():
    line = Line()
    line.rest()
    assert line.slave.polls == 300 and line.slave.requests == 0
    line.slave.polls = line.slave.requests = 0x3FFFFFFF
    assert line.ask(GOOD) == MODEL
    assert line.slave.requests == 0 and line.slave.polls < 1000


def test_what_was_written_reads_back_at_once():
    line = Line()
    line.ask(write_one(SOC, 42))
    assert line.ask(read_request(3, SOC, 1)) == framed(1, 3, 2, 0, 42)
    line.ask(write_one(ADDRESSES["restore_gap_s"], 120))
    assert line.ask(read_request(3, ADDRESSES["restore_gap_s"], 1)) == framed(1, 3, 2, 0, 120)
    assert line.ask(read_request(4, ADDRESSES["settings_pending"], 1)) == framed(1, 4, 2, 0, 1)
    line.box.faults = 5
    line.unlock()
    line.ask(write_one(ADDRESSES["reset_faults"], 1))
    assert line.ask(read_request(4, ADDRESSES["faults"], 2)) == framed(1, 4, 4, 0, 0, 0, 0)
    line.ask(write_one(SOC, 43, 0))  # a broadcast too
    assert line.ask(read_request(3, SOC, 1)) == framed(1, 3, 2, 0, 43)


def test_the_grid_of_a_bench_board_is_the_masters_to_break():
    line = Line()
    line.box.synthetic = True
    line.slave.registers = Registers(line.box)
    line.slave.configure(1, 9600)
    line.wait(0)
    assert line.ask(write_one(BENCH_GRID, 6)) == write_one(BENCH_GRID, 6)
    assert line.box.bench_grid == 6
    assert line.ask(read_request(3, BENCH_GRID, 1)) == framed(1, 3, 2, 0, 6)
    assert line.ask(write_one(BENCH_GRID, 7)) == exception(6, 3)
    assert line.box.bench_grid == 6


def test_no_allocation_in_steady_state():
    """On MicroPython with the heap locked: idle steps, any read from any unit, bad frames, small writes."""
    try:
        from micropython import heap_lock, heap_unlock
    except ImportError:
        return
    line = Line()
    box = line.box
    assert box.change({"sdm_grid_address": 2, "sdm_pv_address": 3, "sunspec_grid_address": 4}) == ""
    port = _SilentPort()
    slave = ModbusSlave(port, Registers(box), 1, 9600, service=Service(box.identity))
    slave.configure(1, 9600, 0, box.profiles.units(box.settings))
    slave.step(0)
    frames = [GOOD, read_request(3, 1000, 3), read_request(4, 40, 20), read_request(4, 100, 125)]
    frames += [read_request(3, 1010, 90), read_request(4, 0, 126), read_request(4, 9999, 1)]
    frames += [read_request(4, 0, 125, 2), read_request(3, 0, 30, 3), read_request(3, 40000, 125, 4)]
    frames += [
        framed(1, 0x11),
        identify(2, 0),
        identify(4, 9),
        diagnose(0, 1),
        diagnose(0x0B, 0),
        diagnose(9),
    ]
    frames += [write_one(SOC, 50), write_many(SOC, 51), mask_write(SOC, 0, 52), read_write(SOC, 9, SOC, 53)]
    silent = [GOOD[:5], framed(2, 17, 0), framed(99, 3), framed(1, 0x83, 2), write_one(SOC, 50, 0)]
    for frame in frames + silent:
        port.frame = frame
        slave.step(1)  # the first call of anything may cost something
        port.frame = frame
        heap_lock()
        try:
            slave.step(1)
            slave.step(1)
        finally:
            heap_unlock()
    assert slave.replies == 2 * len(frames)


class _SilentPort:
    """A port that itself allocates nothing: FakePort's bytes would."""

    def __init__(self):
        self.frame = b""

    def receive(self, buf, _now_us):
        n = len(self.frame)
        for k in range(n):
            buf[k] = self.frame[k]
        self.frame = b""
        return n

    def write(self, _buf, _n):
        pass

    def sending(self, _now_us):
        return False

    def configure(self, _baud):
        pass


def test_in_listen_only_mode_nothing_is_answered_not_even_a_spoilt_restart():
    line = Line()
    for words in ((1,), (0xFF00, 0), (), (0, 0), (0x0100,), (0xFF01,)):
        assert line.ask(diagnose(4, 0)) is None
        assert line.ask(diagnose(1, *words)) is None, words
        assert line.ask(GOOD) is None
        assert line.ask(diagnose(1, 0)) is None
        assert line.ask(GOOD) == MODEL

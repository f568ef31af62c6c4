"""A line with faults: bytes lost, doubled and put in, frames glued and split, noise, other slaves' replies.

Whatever the line has made of a request, nothing of it is carried out unless it came through whole, nothing
is said but the answer to a whole one, and the next good request is answered.
"""

from firmware import ticks
from firmware.hardware.rtu_timing import silence_us
from host_tests.unit.modbus_line import (
    SOC,
    Line,
    diagnose,
    exception,
    framed,
    mask_write,
    read_request,
    read_write,
    write_many,
    write_one,
)

GOOD = read_request(4, 0, 8)
MODEL = framed(1, 4, 16, *b"BackupBox_PLUS\0\0")
UNLOCK = 1004
REQUESTS = (
    write_one(SOC, 50),
    write_many(SOC, 50),
    write_many(1022, 61, 62, 1841),
    mask_write(SOC, 0, 50),
    read_write(SOC, 2, SOC, 50),
    write_one(UNLOCK, 0x55AA),
    diagnose(4, 0),
    write_one(SOC, 50, 0),
    GOOD,
)
BAUDS = (9600, 115200)


def _owned(line):
    box = line.box
    return (box.battery.soc, len(box.staging.staged), box.access._entered, line.slave._service.listens)


def _survives(line, heard):
    """Nothing is done about what is heard as one frame, nothing said, and the next request is answered."""
    before = _owned(line)
    assert line.ask(heard) is None, heard
    assert _owned(line) == before, heard
    assert line.ask(GOOD) == MODEL, heard


def test_each_request_does_something_when_it_comes_through():
    """Or else the other tests would show nothing."""
    for request in REQUESTS[:-1]:
        line = Line()
        before = _owned(line)
        line.ask(request)
        assert _owned(line) != before, request


def test_a_byte_or_more_lost_anywhere():
    line = Line()
    for request in REQUESTS:
        for k in range(len(request)):
            for lost in (1, 2, 3):
                if k or lost < len(request):
                    _survives(line, request[:k] + request[k + lost :])


def test_a_byte_or_more_doubled_anywhere():
    line = Line()
    for request in REQUESTS:
        for k in range(len(request)):
            for twice in (1, 2, 4):
                if k + twice <= len(request):
                    _survives(line, request[: k + twice] + request[k:])


def test_a_byte_put_in_anywhere():
    line = Line()
    for request in REQUESTS:
        for k in range(len(request) + 1):
            for byte in (0, 1, 0x7F, 0xFF):
                _survives(line, request[:k] + bytes((byte,)) + request[k:])


def test_a_bit_or_two_turned_anywhere():
    line = Line()
    for request in REQUESTS:
        for k in range(8 * len(request)):
            for other in (k, k + 1, k + 9):
                spoilt = bytearray(request)
                spoilt[k // 8] ^= 1 << k % 8
                if other != k and other < 8 * len(request):
                    spoilt[other // 8] ^= 1 << other % 8
                _survives(line, bytes(spoilt))


def test_two_neighbours_exchanged():
    line = Line()
    for request in REQUESTS:
        for k in range(len(request) - 1):
            spoilt = bytearray(request)
            spoilt[k], spoilt[k + 1] = spoilt[k + 1], spoilt[k]
            if bytes(spoilt) != request:
                _survives(line, bytes(spoilt))


def test_noise_right_before_and_right_behind():
    line = Line()
    for request in REQUESTS:
        for noise in (b"\0", b"\xff", b"\0\0", b"\xff\xff\xff", b"\x01", b"\x01\x03", bytes(range(1, 60))):
            _survives(line, noise + request)
            if noise == b"\0\0" and request[1] == 8:
                # Zeros behind a frame leave its CRC right, and 08 has no length of its own.
                before = _owned(line)
                assert line.ask(request + noise) == exception(8, 3) and _owned(line) == before
            else:
                _survives(line, request + noise)


def test_two_and_three_frames_glued():
    line = Line()
    for one in REQUESTS:
        for other in REQUESTS:
            _survives(line, one + other)
    _survives(line, GOOD * 3)
    _survives(line, GOOD * 40)  # longer than any frame


def _hear(line, pieces, gap_us):
    """Let pieces come, each so long after the one before, then all be still."""
    for piece in pieces:
        line.port.hear(piece, line.now_us)
        line.wait(gap_us)
    line.rest()


def test_a_frame_split_by_a_silence_is_two_bad_ones():
    for baud in BAUDS:
        line = Line(baud)
        for request in REQUESTS:
            for k in range(1, len(request)):
                before = _owned(line)
                sent = len(line.port.sent)
                _hear(line, (request[:k], request[k:]), silence_us(baud))
                assert _owned(line) == before and len(line.port.sent) == sent, (request, k)
                assert line.ask(GOOD) == MODEL


def test_a_frame_with_pauses_that_are_no_silence_is_whole():
    for baud in BAUDS:
        line = Line(baud)
        for k in range(1, len(GOOD)):
            sent = len(line.port.sent)
            _hear(line, (GOOD[:k], GOOD[k:]), silence_us(baud) - 1)
            assert line.port.sent[sent:] == [MODEL], k


def test_noise_a_silence_apart_harms_nothing():
    """A request between two bursts is answered when nothing follows it, and given up when something does."""
    for baud in BAUDS:
        gap = silence_us(baud)
        for noise in (b"\0", b"\xff" * 5, b"\x01\x03\x00\x00\x00\x01\x00\x00", b"\x55" * 256, b"\x55" * 600):
            line = Line(baud)
            _hear(line, (noise, GOOD), gap)
            assert line.port.sent == [MODEL], noise
            line.port.hear(write_one(SOC, 50), line.now_us)
            line.now_us = ticks.add(line.now_us, gap)
            line.port.hear(noise, line.now_us)  # before the loop has looked
            line.wait(gap)
            line.rest()
            assert len(line.port.sent) == 1 and line.slave.late_frames == 1 and line.box.battery.soc == -1
            assert line.ask(GOOD) == MODEL


def test_noise_while_the_reply_goes_out():
    for noise in (b"\0", b"\xff" * 20, write_one(SOC, 50)):
        line = Line()
        line.port.hear(GOOD, line.now_us)
        line.wait(silence_us(9600))
        assert line.port.sent == [MODEL] and line.slave.sending
        line.port.hear(noise, line.now_us)
        line.wait(1000)
        line.rest()
        assert line.port.sent == [MODEL] and line.box.battery.soc == -1
        assert line.ask(GOOD) == MODEL


def test_the_traffic_of_other_slaves():
    """Requests to them and their replies, which for the master's echo look like requests: never ours."""
    line = Line()
    traffic = []
    for unit in (2, 17, 247):
        traffic += [
            read_request(3, SOC, 2, unit),
            framed(unit, 3, 4, 0, 1, 0, 2),
            framed(unit, 3, 250, *([0] * 250)),
            read_request(4, 0, 1, unit),
            framed(unit, 4, 2, 0, 1),
            write_one(SOC, 50, unit),  # the request, and its echo
            write_one(SOC, 50, unit),
            write_many(SOC, 50, unit=unit),
            framed(unit, 16, 3, 0xE8, 0, 1),
            framed(unit, 0x83, 2),
            framed(unit, 0x90, 3),
            framed(unit, 0x11, 3, 1, 0xFF, 5),
            framed(unit, 0x2B, 0x0E, 1, 1, 0, 0, 1, 0, 1, 65),
            diagnose(4, 0, unit=unit),
        ]
    for frame in traffic:
        _survives(line, frame)
    assert line.slave.foreign_frames == len(traffic)
    _hear(line, traffic, silence_us(9600))
    assert line.ask(GOOD) == MODEL and line.box.battery.soc == -1
    sent = len(line.port.sent)
    _hear(line, traffic[:-1] + [GOOD], silence_us(9600))
    assert line.port.sent[sent:] == [MODEL], "the first silence after them is enough"


def test_a_reply_of_another_slave_that_follows_its_request_at_once():
    """A quick slave answers within t3.5: request and reply are one frame to us, and no request of ours."""
    line = Line()
    for request, reply in (
        (read_request(3, 0, 1, 2), framed(2, 3, 2, 0, 1)),
        (write_one(SOC, 50, 2), write_one(SOC, 50, 2)),
        (read_request(3, 0, 2, 2), framed(2, 3, 4) + write_one(SOC, 50)),
    ):
        _survives(line, request + reply)


def test_our_own_reply_heard_again_is_answered_at_most_once():
    """A transceiver that echoes: what comes while sending is not heard; a late copy is a request again."""
    line = Line()
    reply = line.ask(write_one(SOC, 50))
    assert reply == write_one(SOC, 50) and line.box.battery.soc == 50
    assert line.ask(MODEL) is None, "a reply to a read is none of the requests"
    assert line.ask(framed(1, 0x84, 2)) is None
    assert line.ask(GOOD) == MODEL

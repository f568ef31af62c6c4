"""What other slaves for MicroPython get wrong (measured on one of them), each as a case of ours.

test_modbus.py and test_conformance.py go further into most of these; here each has its name.
"""

from firmware.hardware.rtu_timing import silence_us
from firmware.publish.crc import crc16
from host_tests.unit.modbus_line import (
    ADDRESSES,
    SOC,
    Line,
    exception,
    framed,
    identify,
    pair,
    read_request,
    words_of,
    write_many,
    write_one,
)

GOOD = read_request(4, 0, 8)
MODEL = framed(1, 4, 16, *b"BackupBox_PLUS\0\0")


def _untouched(line):
    """Nothing was written, and the slave still answers."""
    box = line.box
    assert box.battery.soc == -1 and not box.staging.staged and box.commits == box.resets == 0
    assert line.ask(GOOD) == MODEL
    return True


def test_frames_shorter_than_8_bytes_are_answered():
    line = Line()
    assert line.ask(framed(1, 0x11))[:2] == b"\x01\x11"
    assert line.ask(identify(1, 0))[:4] == b"\x01\x2b\x0e\x01"
    for function in (7, 0x0B, 0x0C, 0x41):
        assert line.ask(framed(1, function)) == exception(function, 1)
        assert line.ask(framed(1, function, 9)) == exception(function, 1)


def test_broadcast_writes_are_executed():
    line = Line()
    assert line.ask(write_one(SOC, 33, 0)) is None and line.box.battery.soc == 33
    assert line.ask(write_many(SOC, 34, unit=0)) is None and line.box.battery.soc == 34


def test_a_read_that_runs_past_the_end_is_refused_not_padded():
    line = Line()
    for function, start, count in (
        (4, 0, 21),
        (4, 18, 3),
        (4, 126, 125),
        (4, 305, 2),
        (3, 1000, 11),
        (3, 1099, 2),
        (3, 1010, 125),
    ):
        assert line.ask(read_request(function, start, count)) == exception(function, 2), (start, count)
        assert len(words_of(line.ask(read_request(function, start, 1)))) == 1, "it does start inside"


def test_a_write_past_the_end_makes_no_registers():
    line = Line()
    for start, words in ((1099, (1, 0)), (1009, (0, 0)), (1100, (5,)), (999, (5, 5)), (306, (1,))):
        assert line.ask(write_many(start, *words)) == exception(16, 2)
    assert line.ask(write_one(1100, 5)) == exception(6, 2)
    assert line.ask(read_request(3, 1100, 1)) == exception(3, 2), "it has not come into being"
    assert _untouched(line)


def test_the_byte_count_of_function_16_is_checked():
    line = Line()
    for wrong in (0, 1, 3, 4, 255):
        assert line.ask(write_many(SOC, 50, byte_count=wrong)) == exception(16, 3)
    assert line.ask(write_many(ADDRESSES["restore_gap_s"], 100, count=2)) == exception(16, 3)
    assert _untouched(line)


def test_function_06_with_two_extra_bytes_is_not_taken():
    line = Line()
    for extra in ((0, 0), (0, 50), (255, 255)):
        assert line.ask(framed(1, 6, *(pair(SOC) + pair(50) + extra))) is None
    assert _untouched(line)


def test_function_code_83_hex_gets_no_reply():
    """An exception code that another slave has sent is not a request."""
    line = Line()
    for function in (0x83, 0x84, 0x86, 0x90, 0x97):
        for body in ((2,), (), tuple(GOOD[2:6])):
            assert line.ask(framed(1, function, *body)) is None
    assert _untouched(line)


def _answered_at_t35_after(trouble):
    for baud in (9600, 19200, 115200):
        line = Line(baud)
        line.port.hear(trouble, line.now_us)
        line.wait(silence_us(baud))
        line.port.hear(GOOD, line.now_us)
        line.wait(silence_us(baud))
        assert line.port.sent == [MODEL], (baud, trouble)


def test_after_a_bad_crc_a_request_at_t35_is_answered():
    _answered_at_t35_after(GOOD[:-1] + b"\0")


def test_after_a_frame_for_another_a_request_at_t35_is_answered():
    _answered_at_t35_after(write_one(SOC, 50, 2))


def test_after_a_stray_byte_a_request_at_t35_is_answered():
    for byte in (0, 1, 0x55, 0xFF):
        _answered_at_t35_after(bytes((byte,)))


def test_two_glued_frames_do_nothing_and_the_next_at_t35_is_answered():
    for glued in (GOOD + GOOD, write_one(SOC, 50) + write_one(SOC, 50), write_one(SOC, 50, 2) + GOOD):
        _answered_at_t35_after(glued)
        line = Line()
        assert line.ask(glued) is None and _untouched(line)


def test_trailing_zeros_are_not_taken():
    """Zeros behind a frame leave its CRC right: only the length tells."""
    line = Line()
    for zeros in (b"\0", b"\0\0", b"\0\0\0"):
        for request in (write_one(SOC, 50), write_many(SOC, 50), GOOD, write_one(SOC, 50, 0)):
            frame = request + zeros
            assert crc16(frame, len(frame)) == 0
            assert line.ask(frame) is None and _untouched(line), frame
    assert line.slave.length_errors == 12

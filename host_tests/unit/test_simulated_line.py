"""The simulated board's line: the rate and format that the slave chooses decide where a frame ends."""

from firmware.hardware.rtu_timing import FORMAT_8E1, FORMAT_8N1, FORMAT_8N2, silence_us
from tools.simulator.line import Line


def test_a_frame_ends_after_the_silence_of_rate_and_format():
    buf = bytearray(256)
    for baud, line_format in ((1200, FORMAT_8E1), (9600, FORMAT_8N1), (19200, FORMAT_8N2)):
        line = Line()
        line.configure(baud, line_format)
        line.feed(b"request")
        t35_us = silence_us(baud, line_format)
        assert line.receive(buf, t35_us - 1) == 0
        assert line.receive(buf, t35_us) == 7 and buf[:7] == b"request"


def test_without_a_format_it_is_8n1():
    line = Line()
    line.configure(9600, FORMAT_8E1)
    line.configure(9600)
    line.feed(b"request")
    assert line.receive(bytearray(256), silence_us(9600)) == 7

"""A master's end of the line: frames as the specification has them, and a slave with a box and a clock."""

from firmware import ticks
from firmware.hardware.rtu_timing import silence_us
from firmware.publish.access import KEYS
from firmware.publish.crc import crc16
from firmware.publish.modbus import ModbusSlave
from firmware.publish.registers import Registers
from firmware.publish.service import Service
from host_tests.unit.fake_box import FakeBox
from host_tests.unit.fake_port import FakePort
from tools.register_list import addresses

ADDRESSES = addresses()
SOC = ADDRESSES["soc"]
START_US = ticks.PERIOD - 100000  # the counter wraps during most tests
COUNTERS = (
    "crc_errors",
    "short_frames",
    "long_frames",
    "length_errors",
    "foreign_frames",
    "ignored",
    "late_frames",
)


def framed(*body):
    """Return the bytes with their CRC."""
    frame = bytes(body)
    crc = crc16(frame, len(frame))
    return frame + bytes((crc & 255, crc >> 8))


def pair(value):
    """Return a word as two bytes, high first."""
    return (value >> 8, value & 255)


class Line:
    """A slave at address 1, a fake box and the time."""

    def __init__(self, baud=9600, unit_address=1):
        self.box = FakeBox()
        self.port = FakePort(baud)
        self.slave = ModbusSlave(
            self.port, Registers(self.box), unit_address, baud, service=Service(self.box.identity)
        )
        self.box.slave = self.slave
        self.now_us = START_US

    def wait(self, us):
        """Let time pass and the loop turn once at its end."""
        self.now_us = ticks.add(self.now_us, us)
        self.slave.step(self.port.at(self.now_us))

    def rest(self):
        """Let everything end that is under way."""
        for _ in range(300):
            self.wait(1000)

    def ask(self, frame):
        """Send a frame and the silence after it, in steps of the loop; return the reply or None."""
        replies = len(self.port.sent)
        self.port.hear(frame, self.now_us)
        self.wait(0)
        self.wait(silence_us(self.port.baud, self.port.line_format))
        self.rest()
        assert len(self.port.sent) <= replies + 1
        return self.port.sent[-1] if len(self.port.sent) > replies else None

    def serve(self, **settings):
        """Have the box serve these settings' units too, as if they had been committed."""
        assert self.box.change(settings) == ""
        self.wait(0)

    def unlock(self):
        """Open the commands that need it."""
        for key in KEYS:
            assert self.ask(write_one(ADDRESSES["unlock"], key)) is not None

    def counts(self):
        return {name: getattr(self.slave, name) for name in COUNTERS}


def read_request(function, start, count, unit=1):
    return framed(unit, function, *(pair(start) + pair(count)))


def write_one(start, value, unit=1):
    return framed(unit, 6, *(pair(start) + pair(value)))


def write_many(start, *words, unit=1, count=None, byte_count=None):
    body = pair(start) + pair(len(words) if count is None else count)
    body += (2 * len(words) if byte_count is None else byte_count,)
    for word in words:
        body += pair(word)
    return framed(unit, 16, *body)


def mask_write(start, keep, put, unit=1):
    return framed(unit, 22, *(pair(start) + pair(keep) + pair(put)))


def read_write(start, count, to, *words, unit=1, written=None, byte_count=None):
    body = pair(start) + pair(count) + pair(to) + pair(len(words) if written is None else written)
    body += (2 * len(words) if byte_count is None else byte_count,)
    for word in words:
        body += pair(word)
    return framed(unit, 23, *body)


def diagnose(sub, *words, unit=1):
    body = pair(sub)
    for word in words:
        body += pair(word)
    return framed(unit, 8, *body)


def identify(code, first, unit=1):
    return framed(unit, 0x2B, 0x0E, code, first)


def words_of(reply):
    """Return the registers in a reply to 03, 04 or 23."""
    assert reply is not None and reply[1] < 0x80 and reply[2] == len(reply) - 5, reply
    return [reply[k] << 8 | reply[k + 1] for k in range(3, len(reply) - 2, 2)]


def exception(function, code, unit=1):
    return framed(unit, function | 0x80, code)

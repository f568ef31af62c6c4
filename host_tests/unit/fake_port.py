"""A serial port in physical terms: bytes arrive at a time, sending takes the time that it takes."""

from firmware import ticks
from firmware.hardware.rtu_timing import FORMAT_8N1, FORMAT_8N2, character_bits
from firmware.store.settings import BAUD_RATES
from tools.simulator.framing import Framing


class FakePort:
    """Strict: a wrong buffer, a write while sending, a rate or format that does not exist fail the test."""

    def __init__(self, baud: int = 9600, line_format: int = FORMAT_8N1) -> None:
        self.baud = baud
        self.line_format = line_format
        self.configured: list = []  # baud rates, in the order they came into effect
        self.sent: list = []  # frames, as bytes
        self.overruns = 0
        self.framing_errors = 0
        self.parity_errors = 0
        self._framing = Framing(baud, line_format)
        self._now_us = 0
        self._end_us = None  # of the frame being sent
        self._next_baud = 0
        self._next_format = line_format

    def hear(self, frame: bytes, now_us: int) -> None:
        """Let bytes arrive, the last one at `now_us`; while it sends the port hears nothing."""
        assert isinstance(frame, bytes)
        if not self.sending(now_us):
            self._framing.hear(frame, now_us)

    def character_us(self) -> int:
        """Time of one character."""
        return character_bits(self.line_format) * 1000000 // self.baud

    def receive(self, buf: bytearray, now_us: int) -> int:
        """Copy the oldest complete frame to `buf`, return its true length."""
        assert isinstance(buf, bytearray) and len(buf) == 256
        return self._framing.take(buf, now_us)

    def write(self, buf: bytearray, n: int) -> None:
        """Start to send buf[:n]."""
        assert self._end_us is None, "write while sending"
        assert isinstance(buf, bytearray)
        assert 0 < n <= min(256, len(buf))
        self.sent.append(bytes(buf[:n]))
        self._end_us = ticks.add(self._now_us, n * self.character_us())

    def at(self, now_us: int) -> int:
        """Tell the port what time it is before the slave steps (`write` is given none)."""
        self._now_us = now_us
        return now_us

    def sending(self, now_us: int) -> bool:
        """Whether the frame is still on its way at `now_us`."""
        if self._end_us is not None and ticks.diff(now_us, self._end_us) >= 0:
            self._end_us = None
            self._apply()
        return self._end_us is not None

    def configure(self, baud: int, line_format: int = FORMAT_8N1) -> None:
        """Change baud rate and format, at once or after the frame now going out."""
        assert baud in BAUD_RATES
        assert FORMAT_8N1 <= line_format <= FORMAT_8N2
        self._next_format = line_format
        self._next_baud = baud
        if self._end_us is None:
            self._apply()

    def _apply(self) -> None:
        if self._next_baud:
            self.baud = self._framing.baud = self._next_baud
            self.line_format = self._framing.line_format = self._next_format
            self.configured.append(self._next_baud)
            self._framing.forget()
            self._next_baud = 0

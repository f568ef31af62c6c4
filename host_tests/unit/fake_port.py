"""A serial port in physical terms: bytes arrive at a time, sending takes the time that it takes."""

from firmware import ticks

BAUD_RATES = (9600, 19200, 38400, 57600, 115200)


class FakePort:
    """Strict: a wrong buffer, a write while sending or a baud rate that does not exist fails the test."""

    def __init__(self, baud: int = 9600) -> None:
        self.baud = baud
        self.configured: list = []  # baud rates, in the order they were set
        self.sent: list = []  # frames, as bytes
        self.echo = False  # a transceiver that hears itself
        self._waiting = b""
        self._last_us = None
        self._now_us = 0
        self._end_us = None  # of the frame being sent

    def receive(self, frame: bytes, now_us: int) -> None:
        """Let bytes arrive; the last one at `now_us`."""
        assert isinstance(frame, bytes)
        self._waiting += frame
        self._last_us = now_us

    def character_us(self) -> int:
        """Time of one character of 10 bits."""
        return 10000000 // self.baud

    def read(self, buf: bytearray, start: int) -> int:
        """Copy what waits to buf[start:]; what does not fit is lost."""
        assert isinstance(buf, bytearray)
        assert 0 <= start <= len(buf)
        taken = min(len(self._waiting), len(buf) - start)
        for k in range(taken):
            buf[start + k] = self._waiting[k]
        self._waiting = b""
        return taken

    def silent_us(self, now_us: int) -> int:
        """Time since the last byte, at most one second."""
        if self._last_us is None:
            return 1000000
        return min(ticks.diff(now_us, self._last_us), 1000000)

    def write(self, buf: bytearray, n: int) -> None:
        """Start to send buf[:n]."""
        assert self._end_us is None, "write while sending"
        assert isinstance(buf, bytearray)
        assert 0 < n <= min(256, len(buf))
        frame = bytes(buf[:n])
        self.sent.append(frame)
        self._end_us = ticks.add(self._now_us, n * self.character_us())
        if self.echo:
            self._waiting += frame
            self._last_us = self._end_us

    def at(self, now_us: int) -> int:
        """Tell the port what time it is before the slave steps (`write` is given none)."""
        self._now_us = now_us
        return now_us

    def sending(self, now_us: int) -> bool:
        """Whether the frame is still on its way at `now_us`."""
        if self._end_us is not None and ticks.diff(now_us, self._end_us) >= 0:
            self._end_us = None
        return self._end_us is not None

    def configure(self, baud: int) -> None:
        """Change the baud rate; never in the middle of a frame."""
        assert baud in BAUD_RATES
        assert self._end_us is None, "configure while sending"
        self.baud = baud
        self.configured.append(baud)

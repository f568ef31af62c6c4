"""Modbus RTU frames out of bytes and the times they came at: a silence of t3.5 ends a frame. Portable."""

from firmware import ticks
from firmware.hardware.rtu_timing import FORMAT_8N1, silence_us


class Framing:
    """What a receiver has heard at `baud` in `line_format`, cut into frames."""

    def __init__(self, baud: int, line_format: int = FORMAT_8N1) -> None:
        self.baud = baud
        self.line_format = line_format
        self._frames: list = []  # complete ones, oldest first
        self._open = bytearray()
        self._last_us = 0  # when the last byte of `_open` came

    @property
    def empty(self) -> bool:
        """True when nothing waits, not even a part of a frame."""
        return not (self._frames or self._open)

    def hear(self, received: bytes | bytearray, now_us: int) -> None:
        """Take bytes, the last of which came at `now_us`."""
        self._cut(now_us)
        self._open.extend(received)
        self._last_us = now_us

    def forget(self) -> None:
        """Drop everything."""
        self._frames = []
        self._open = bytearray()

    def take(self, buf: bytearray, now_us: int) -> int:
        """Copy the oldest complete frame to `buf`, as far as it fits; return its true length, 0 if none."""
        self._cut(now_us)
        if not self._frames:
            return 0
        frame = self._frames.pop(0)
        for n in range(min(len(frame), len(buf))):
            buf[n] = frame[n]
        return len(frame)

    def _cut(self, now_us: int) -> None:
        if self._open and ticks.diff(now_us, self._last_us) >= silence_us(self.baud, self.line_format):
            self._frames.append(bytes(self._open))
            self._open = bytearray()

"""The RS485 line of the simulated board: whoever holds the wire's other end, and the built-in master.

Bytes pass at once, both ways: the far end is a program, and what it sees is the slave's own framing.
The built-in master waits for the line to be quiet, takes it, and gives it back with the reply.
"""

from firmware import ticks
from firmware.hardware.rtu_timing import FORMAT_8N1
from firmware.publish.crc import crc16
from tools.simulator.framing import Framing

_QUIET_US = 50000  # the outside has said nothing for this long: the built-in master may speak
_PATIENCE_US = 500000  # a reply that has not come by then will not come
_LONG_US = 0x10000000
_FIRST_BAUD = 9600


class Line:
    """A serial port object as the slave uses it, with `feed` and `take` for the other end."""

    def __init__(self) -> None:
        self.now_us = 0
        self.overruns = 0
        self.framing_errors = 0
        self.parity_errors = 0
        self._framing = Framing(_FIRST_BAUD)
        self._held = bytearray()  # from outside, while the built-in master has the line
        self._tx = bytearray()
        self._reply = bytearray()
        self._mine = False
        self._asked_us = 0
        self._heard_us = 0
        self._idle = True  # nothing was heard for so long that the counter may have wrapped

    # -- as the slave sees it ------------------------------------------------------------------------

    def receive(self, buf: bytearray, now_us: int) -> int:
        """Copy the oldest complete frame to `buf`; return its length, 0 if there is none."""
        return self._framing.take(buf, now_us)

    def write(self, buf: bytearray, n: int) -> None:
        """Send `buf[:n]`."""
        if self._mine:
            self._reply.extend(buf[:n])
        else:
            self._tx.extend(buf[:n])

    def sending(self, now_us: int) -> bool:
        """Return whether bytes are still on their way: never, they pass at once."""
        return False

    def configure(self, baud: int, line_format: int = FORMAT_8N1) -> None:
        """Take the slave's baud rate and format: the silence that ends a frame follows from them."""
        self._framing.baud = baud
        self._framing.line_format = line_format

    # -- as the other end sees it --------------------------------------------------------------------

    def feed(self, received: bytes) -> None:
        """Bytes from outside arrive."""
        if self._mine:
            self._held.extend(received)
        else:
            self._arrive(received)

    def take(self) -> bytes:
        """Return what the slave has sent to the outside since the last call."""
        sent = bytes(self._tx)
        self._tx = bytearray()
        return sent

    def _arrive(self, received: bytes | bytearray) -> None:
        self._framing.hear(received, self.now_us)
        self._heard_us = self.now_us
        self._idle = False

    def _quiet(self) -> bool:
        if not self._idle:
            silent = ticks.diff(self.now_us, self._heard_us)
            if silent < _QUIET_US:
                return False
            self._idle = silent > _LONG_US
        return True

    # -- the built-in master -------------------------------------------------------------------------

    def ask(self, frame: bytes) -> bool:
        """Put the built-in master's request on the line; False while the line is not free."""
        if self._mine or not self._framing.empty or not self._quiet():
            return False
        self._mine = True
        self._asked_us = self.now_us
        self._reply = bytearray()
        self._arrive(frame)
        return True

    def step(self, now_us: int) -> bytes:
        """Advance; return the reply to the built-in master once it is there, else nothing."""
        self.now_us = now_us
        if not self._mine:
            return b""
        if not self._reply and ticks.diff(now_us, self._asked_us) < _PATIENCE_US:
            return b""
        self._mine = False
        if self._held:
            held, self._held = self._held, bytearray()
            self._arrive(held)
        return bytes(self._reply)


def write_single(unit: int, address: int, value: int) -> bytes:
    """Return a request of function 06."""
    frame = bytearray((unit, 6, address >> 8, address & 255, value >> 8, value & 255, 0, 0))
    crc = crc16(frame, 6)
    frame[6] = crc & 255
    frame[7] = crc >> 8
    return bytes(frame)

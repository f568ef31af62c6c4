"""A Modbus RTU slave on one port, without allocation in steady state.

Application Protocol 1.1b3 and Serial Line 1.02. Functions 03, 04, 06, 16, 22 and 23 here; 08, 11 hex and
2B/0E in service.py. The port says what a frame is: what lies between two silences of t3.5, so glued frames
are one bad frame: nothing of it is executed, and the next good request is answered. What is not for one of
our units, damaged, or of a length that its function cannot have, gets no reply and is counted.
"""

from micropython import const

from firmware.publish.crc import crc16
from firmware.publish.register_map import (
    BUSY,
    HOLDING,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    INPUT,
    copy_bytes,
)
from firmware.publish.service import DIAGNOSE, IDENTIFY, REPORT_ID, Service

READ_HOLDING = const(3)
READ_INPUT = const(4)
WRITE_ONE = const(6)
WRITE_MANY = const(16)
MASK_WRITE = const(22)
READ_WRITE = const(23)
READ_MOST = const(125)
WRITE_MOST = const(123)
BOTH_MOST = const(121)  # written by function 23

_BROADCAST = const(0)
_SHORTEST = const(4)  # address, function, CRC
_LONGEST = const(256)
_COUNTER = const(0x3FFFFFFF)  # counters wrap here: small integers on a 32-bit board


class ModbusSlave:
    """Serves `registers` (see registers.py) at `unit_address` on `port`; call `step` as often as possible.

    The port must already run at `baud` and `line_format` (rtu_timing.py). `service` (service.py) answers what
    is not about registers.

    Counters, for the watchdog and for diagnosis: `polls` (calls of step), `requests` (good frames for one of
    our units or broadcast), `good_frames` (right CRC, any address), `foreign_frames`, `replies`,
    `exceptions`, `busy` (exceptions 06), `crc_errors`, `length_errors` (right CRC, impossible length),
    `short_frames`, `long_frames`, `ignored` (broadcast reads, function codes from 80 hex), `late_frames`
    (for us, but something else has been heard since: the master has given it up), `unanswered` (for us and
    good, but a broadcast or in listen-only mode).
    """

    def __init__(
        self, port, registers, unit_address: int, baud: int, line_format: int = 0, service=None
    ) -> None:
        self.port = port
        self.registers = registers
        self.unit_address = unit_address
        self.baud = baud
        self.line_format = line_format
        self.polls = 0
        self.requests = 0
        self.good_frames = 0
        self.foreign_frames = 0
        self.replies = 0
        self.exceptions = 0
        self.busy = 0
        self.crc_errors = 0
        self.length_errors = 0
        self.short_frames = 0
        self.long_frames = 0
        self.ignored = 0
        self.late_frames = 0
        self.unanswered = 0
        self.sending = False
        self._rx = bytearray(_LONGEST)
        self._newer = bytearray(_LONGEST)
        self._tx = bytearray(_LONGEST)
        self._word_written = bytearray(2)
        self._service = service or Service(())
        self._units = {unit_address: registers}
        self._next: tuple | None = None

    def configure(self, unit_address: int, baud: int, line_format: int = 0, others: tuple = ()) -> None:
        """Use these from the next request on: the one in hand is answered as it came.

        `others` are more pairs of unit address and what is served there, with the same `read` and `write`.
        """
        self._next = (unit_address, baud, line_format, others)

    def step(self, now_us: int) -> bool:
        """Judge what has been received, execute it and start the reply; True when one was started."""
        self.polls = (self.polls + 1) & _COUNTER
        if self.sending:
            if self.port.sending(now_us):
                return False
            self.sending = False
        length = self.port.receive(self._rx, now_us)
        while length:
            newer = self.port.receive(self._newer, now_us)
            self._frame(length, newer == 0)
            self._rx, self._newer = self._newer, self._rx
            length = newer
        if self._next is not None:
            self._take_over(self._next)
            self._next = None
        return self.sending

    def _take_over(self, following: tuple) -> None:
        self.unit_address, baud, line_format, others = following
        self._units = dict(others)
        self._units[self.unit_address] = self.registers
        if baud != self.baud or line_format != self.line_format:
            self.baud, self.line_format = baud, line_format
            self.port.configure(baud, line_format)

    def _frame(self, n: int, last: bool) -> None:
        """Judge the frame of `n` bytes, execute it and send what it is answered with.

        `last`: nothing else has been heard since. A request that is not the last is not answered: when
        the loop was away for long, the line belongs to somebody else by now.
        """
        if n < _SHORTEST:
            self.short_frames = (self.short_frames + 1) & _COUNTER
            return
        if n > _LONGEST:
            self.long_frames = (self.long_frames + 1) & _COUNTER
            return
        rx = self._rx
        if crc16(rx, n):  # with its own CRC behind it a frame has the CRC 0
            self.crc_errors = (self.crc_errors + 1) & _COUNTER
            return
        self.good_frames = (self.good_frames + 1) & _COUNTER
        address = rx[0]
        unit = self.registers if address == _BROADCAST else self._units.get(address)
        if unit is None:
            self.foreign_frames = (self.foreign_frames + 1) & _COUNTER
            return
        if not last and address != _BROADCAST:
            self.late_frames = (self.late_frames + 1) & _COUNTER
            return
        function = rx[1]
        reads = function == READ_INPUT or function == READ_HOLDING  # nearly all there is: no call for them
        if n != 8 if reads else not self._length_possible(function, n):
            self.length_errors = (self.length_errors + 1) & _COUNTER
            return
        writes = not reads and (function == WRITE_ONE or function == WRITE_MANY or function == MASK_WRITE)
        if function >= 0x80 or (address == _BROADCAST and not writes):
            # A code from 80 hex is an exception reply, so not a request; a broadcast cannot be answered.
            self.ignored = (self.ignored + 1) & _COUNTER
            return
        self.requests = (self.requests + 1) & _COUNTER
        if self._service.listens and function != DIAGNOSE:
            self.unanswered = (self.unanswered + 1) & _COUNTER
            return
        tx = self._tx
        tx[0] = address
        tx[1] = function
        length = self._read(unit, function) if reads else self._execute(unit, n)
        if address == _BROADCAST or length == 0:
            self.unanswered = (self.unanswered + 1) & _COUNTER
        else:
            crc = crc16(tx, length)
            tx[length] = crc & 0xFF
            tx[length + 1] = crc >> 8
            self.replies = (self.replies + 1) & _COUNTER
            self.sending = True
            self.port.write(tx, length + 2)

    def _length_possible(self, function: int, n: int) -> bool:
        """Return whether `n` bytes can be a request of this function; unknown functions have any length."""
        if function == WRITE_ONE:
            return n == 8
        # A byte count that contradicts the quantity is judged first, and answered (figures 22 and 27).
        if function == WRITE_MANY:
            return n >= 9 and (n == 9 + self._rx[6] or self._rx[6] != 2 * self._word(4))
        if function == READ_WRITE:
            return n >= 13 and (n == 13 + self._rx[10] or self._rx[10] != 2 * self._word(8))
        if function == MASK_WRITE:
            return n == 10
        return self._service.length_possible(function, n)

    def _word(self, at: int) -> int:
        return (self._rx[at] << 8) | self._rx[at + 1]

    def _execute(self, unit, n: int) -> int:
        """Execute the request in `_rx`, complete the reply in `_tx`, return its length without CRC (0: none).

        Exceptions in the order of the specification's figures: function, quantity, address, value.
        """
        rx, tx = self._rx, self._tx
        function = rx[1]
        start = rx[2] << 8 | rx[3]
        if function == WRITE_ONE:
            error = unit.write(start, 1, rx, 4)
        elif function == WRITE_MANY:
            count = rx[4] << 8 | rx[5]
            if not 1 <= count <= WRITE_MOST or rx[6] != 2 * count:
                error = ILLEGAL_VALUE
            else:
                error = unit.write(start, count, rx, 7)
        elif function == MASK_WRITE:
            error = self._mask_write(unit)
            if not error:
                copy_bytes(rx, 2, tx, 2, 6)
                return 8
        elif function == READ_WRITE:
            return self._read_write(unit)
        elif function == DIAGNOSE or function == REPORT_ID or function == IDENTIFY:
            length = self._service.execute(self, rx, n, tx)
            if length >= 0:
                return length
            error = -length
        else:
            error = ILLEGAL_FUNCTION
        if error:
            return self._exception(error)
        copy_bytes(rx, 2, tx, 2, 4)
        return 6

    def _read(self, unit, function: int) -> int:
        rx, tx = self._rx, self._tx
        count = rx[4] << 8 | rx[5]
        if not 1 <= count <= READ_MOST:
            return self._exception(ILLEGAL_VALUE)
        table = INPUT if function == READ_INPUT else HOLDING
        error = unit.read(table, rx[2] << 8 | rx[3], count, tx, 3)
        if error:
            return self._exception(error)
        tx[2] = 2 * count
        return 3 + 2 * count

    def _mask_write(self, unit) -> int:
        """Function 22, figure 26: (present AND and-mask) OR (or-mask AND NOT and-mask)."""
        word = self._word_written
        start = self._word(2)
        if unit.read(HOLDING, start, 1, word, 0):
            return ILLEGAL_ADDRESS
        keep = self._word(4)
        value = (word[0] << 8 | word[1]) & keep | self._word(6) & ~keep & 0xFFFF
        word[0], word[1] = value >> 8, value & 0xFF
        return unit.write(start, 1, word, 0)

    def _read_write(self, unit) -> int:
        """Function 23, figure 27: both quantities, both addresses, then the write, then the read."""
        count, written = self._word(4), self._word(8)
        if not (1 <= count <= READ_MOST and 1 <= written <= BOTH_MOST and self._rx[10] == 2 * written):
            return self._exception(ILLEGAL_VALUE)
        error = unit.read(HOLDING, self._word(2), count, self._tx, 3)
        if not error:
            error = unit.write(self._word(6), written, self._rx, 11)
        if error:
            return self._exception(error)
        return self._read(unit, READ_WRITE)

    def _exception(self, code: int) -> int:
        self.exceptions = (self.exceptions + 1) & _COUNTER
        if code == BUSY:
            self.busy = (self.busy + 1) & _COUNTER
        self._tx[1] |= 0x80
        self._tx[2] = code
        return 3

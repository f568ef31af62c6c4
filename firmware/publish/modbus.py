"""A Modbus RTU slave: functions 03, 04, 06 and 16 on one port, without allocation in steady state.

Application Protocol 1.1b3 and Serial Line 1.02. The port says what a frame is: what lies between two
silences of t3.5, so glued frames are one bad frame: nothing of it is executed, and the next good request
is answered. What is not for this unit, damaged, or of a length that its function cannot have, gets no
reply and is counted.
"""

from micropython import const

from firmware.publish.crc import crc16
from firmware.publish.register_map import HOLDING, ILLEGAL_FUNCTION, ILLEGAL_VALUE, INPUT, copy_bytes

READ_HOLDING = const(3)
READ_INPUT = const(4)
WRITE_ONE = const(6)
WRITE_MANY = const(16)
READ_MOST = const(125)
WRITE_MOST = const(123)

_BROADCAST = const(0)
_SHORTEST = const(4)  # address, function, CRC
_LONGEST = const(256)
_COUNTER = const(0x3FFFFFFF)  # counters wrap here: small integers on a 32-bit board


class ModbusSlave:
    """Serves `registers` (see registers.py) at `unit_address` on `port`; call `step` as often as possible.

    The port must already run at `baud`. Counters, for the watchdog and for diagnosis: `polls` (calls of
    step), `requests` (good frames for this unit or broadcast), `good_frames` (right CRC, any address),
    `foreign_frames`, `replies`, `exceptions`, `crc_errors`, `length_errors` (right CRC, impossible
    length), `short_frames`, `long_frames`, `ignored` (broadcast reads, function codes from 80 hex),
    `late_frames` (for this unit, but something else has been heard since: the master has given it up).
    """

    def __init__(self, port, registers, unit_address: int, baud: int) -> None:
        self.port = port
        self.registers = registers
        self.unit_address = unit_address
        self.baud = baud
        self.polls = 0
        self.requests = 0
        self.good_frames = 0
        self.foreign_frames = 0
        self.replies = 0
        self.exceptions = 0
        self.crc_errors = 0
        self.length_errors = 0
        self.short_frames = 0
        self.long_frames = 0
        self.ignored = 0
        self.late_frames = 0
        self._rx = bytearray(_LONGEST)
        self._newer = bytearray(_LONGEST)
        self._tx = bytearray(_LONGEST)
        self.sending = False
        self._next_address = unit_address
        self._next_baud = baud

    def configure(self, unit_address: int, baud: int) -> None:
        """Use this address and baud rate from the next request on: the one in hand is answered as it came."""
        self._next_address = unit_address
        self._next_baud = baud

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
        if self._next_baud != self.baud:
            self.baud = self._next_baud
            self.port.configure(self.baud)
        self.unit_address = self._next_address
        return self.sending

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
        if crc16(rx, n - 2) != rx[n - 2] | (rx[n - 1] << 8):
            self.crc_errors = (self.crc_errors + 1) & _COUNTER
            return
        self.good_frames = (self.good_frames + 1) & _COUNTER
        address = rx[0]
        if address != self.unit_address and address != _BROADCAST:
            self.foreign_frames = (self.foreign_frames + 1) & _COUNTER
            return
        if not last and address != _BROADCAST:
            self.late_frames = (self.late_frames + 1) & _COUNTER
            return
        function = rx[1]
        if not self._length_possible(function, n):
            self.length_errors = (self.length_errors + 1) & _COUNTER
            return
        writes = function == WRITE_ONE or function == WRITE_MANY
        if function >= 0x80 or (address == _BROADCAST and not writes):
            # A code from 80 hex is an exception reply, so not a request; a broadcast cannot be answered.
            self.ignored = (self.ignored + 1) & _COUNTER
            return
        self.requests = (self.requests + 1) & _COUNTER
        length = self._execute()
        if address != _BROADCAST:
            self._reply(length)
        if writes:  # the master may read it back at once; by now the line is ours
            self.registers.renew_written()

    def _length_possible(self, function: int, n: int) -> bool:
        """Return whether `n` bytes can be a request of this function; unknown functions have any length."""
        if function == READ_HOLDING or function == READ_INPUT or function == WRITE_ONE:
            return n == 8
        if function == WRITE_MANY:
            # A byte count that contradicts the quantity is judged first, and answered (figure 12).
            return n >= 9 and (n == 9 + self._rx[6] or self._rx[6] != 2 * self._word(4))
        return True

    def _word(self, at: int) -> int:
        return (self._rx[at] << 8) | self._rx[at + 1]

    def _execute(self) -> int:
        """Execute the request in `_rx`, put the reply into `_tx`, return its length without CRC.

        Exceptions in the order of the specification's figures: function, quantity, address, value.
        """
        rx, tx = self._rx, self._tx
        function = rx[1]
        tx[0] = self.unit_address
        tx[1] = function
        if function == READ_HOLDING:
            return self._read(HOLDING)
        if function == READ_INPUT:
            return self._read(INPUT)
        if function == WRITE_ONE:
            error = self.registers.write(self._word(2), 1, rx, 4)
        elif function == WRITE_MANY:
            count = self._word(4)
            if not 1 <= count <= WRITE_MOST or rx[6] != 2 * count:
                error = ILLEGAL_VALUE
            else:
                error = self.registers.write(self._word(2), count, rx, 7)
        else:
            error = ILLEGAL_FUNCTION
        if error:
            return self._exception(error)
        copy_bytes(rx, 2, tx, 2, 4)
        return 6

    def _read(self, table: int) -> int:
        count = self._word(4)
        if not 1 <= count <= READ_MOST:
            return self._exception(ILLEGAL_VALUE)
        error = self.registers.read(table, self._word(2), count, self._tx, 3)
        if error:
            return self._exception(error)
        self._tx[2] = 2 * count
        return 3 + 2 * count

    def _exception(self, code: int) -> int:
        self.exceptions = (self.exceptions + 1) & _COUNTER
        self._tx[1] |= 0x80
        self._tx[2] = code
        return 3

    def _reply(self, length: int) -> None:
        crc = crc16(self._tx, length)
        self._tx[length] = crc & 0xFF
        self._tx[length + 1] = crc >> 8
        self.replies = (self.replies + 1) & _COUNTER
        self.sending = True
        self.port.write(self._tx, length + 2)

"""A Modbus RTU slave: functions 03, 04, 06 and 16 on one port, without allocation in steady state.

Application Protocol 1.1b3 and Serial Line 1.02. A frame is what lies between two silences of t3.5, so
glued frames are one bad frame: nothing of it is executed, and the next good request is answered. What
is not for this unit, damaged, or of a length that its function cannot have, gets no reply and is counted.
"""

from micropython import const

from firmware.publish.crc import crc16
from firmware.publish.register_map import HOLDING, ILLEGAL_FUNCTION, ILLEGAL_VALUE, INPUT

READ_HOLDING = const(3)
READ_INPUT = const(4)
WRITE_ONE = const(6)
WRITE_MANY = const(16)
READ_MOST = const(125)
WRITE_MOST = const(123)

_BROADCAST = const(0)
_SHORTEST = const(4)  # address, function, CRC
_LONGEST = const(256)
_ROOM = const(64)  # read() must always find room, or bytes of an overlong frame would stay in the port
_COUNTER = const(0x3FFFFFFF)  # counters wrap here: small integers on a 32-bit board


def silence_us(baud: int) -> int:
    """Return t3.5 in us: 3.5 characters of 10 bits (8N1), 1750 us above 19200 baud (Serial Line, 2.5.1.1)."""
    return 1750 if baud > 19200 else (35000000 + baud - 1) // baud


class ModbusSlave:
    """Serves `registers` (a RegisterMap) at `unit_address` on `port`; call `step` as often as possible.

    The port must already run at `baud`. Counters, for the watchdog and for diagnosis: `polls` (calls of
    step), `requests` (good frames for this unit or broadcast), `good_frames` (right CRC, any address),
    `foreign_frames`, `replies`, `exceptions`, `crc_errors`, `length_errors` (right CRC, impossible length),
    `short_frames`, `long_frames`, `ignored` (broadcast reads, function codes from 80 hex).
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
        self._silence_us = silence_us(baud)
        self._rx = bytearray(_LONGEST + _ROOM)
        self._received = 0
        self._tx = bytearray(_LONGEST)
        self._sent = 0  # length of the last reply
        self._echoed = 0  # how much of it came back
        self._line_echoes = False
        self._sending = False
        self._next_address = 0
        self._next_baud = 0

    def configure(self, unit_address: int, baud: int) -> None:
        """Use this address and baud rate as soon as the reply in hand, if any, has left the line."""
        self._next_address = unit_address
        self._next_baud = baud

    def step(self, now_us: int) -> None:
        """Take what was received; after a silence of t3.5 judge it, execute it and start the reply."""
        self.polls = (self.polls + 1) & _COUNTER
        if self._sending:
            if self.port.sending(now_us):
                # Nobody else may talk now: at most this is the echo of a transceiver that hears itself.
                self._take_echo(self.port.read(self._rx, 0))
                return
            self._sending = False
        if self._next_baud:
            self._apply()
        at = self._received
        at += self.port.read(self._rx, at)
        if at == 0:
            return
        # Beyond the longest frame only the fact counts; later bytes overwrite the end.
        self._received = at if at <= _LONGEST else _LONGEST + 1
        if self.port.silent_us(now_us) >= self._silence_us:
            self._received = 0
            self._frame(self._without_echo(at))

    def _apply(self) -> None:
        self.unit_address = self._next_address
        if self._next_baud != self.baud:
            self.baud = self._next_baud
            self._silence_us = silence_us(self.baud)
            self.port.configure(self.baud)
            self._received = 0
        self._next_baud = 0

    def _take_echo(self, n: int) -> None:
        """Note that `n` bytes, received while sending, are the reply's next ones, if they are."""
        if n:
            self._line_echoes = self._same(n)
            self._echoed += n

    def _same(self, n: int) -> bool:
        """Return whether the first `n` received bytes are what the last reply goes on with."""
        if self._echoed + n > self._sent:
            return False
        for k in range(n):  # noqa: SIM110  a generator would be an object
            if self._rx[k] != self._tx[self._echoed + k]:
                return False
        return True

    def _without_echo(self, n: int) -> int:
        """Remove the end of the last reply's echo from the front; return how many bytes are left.

        It is still there when the loop was away while the reply left the line. An echo of function 06
        looks like its request: taken for one, it would be answered for ever. But a request may as well
        be what was answered last, word for word, so only a line that is known to echo is treated so.
        """
        length = self._sent - self._echoed
        if not self._line_echoes or length <= 0 or n < length or not self._same(length):
            return n
        self._echoed += length
        for k in range(n - length):
            self._rx[k] = self._rx[length + k]
        return n - length

    def _frame(self, n: int) -> None:
        """Judge the frame of `n` bytes, execute it and send what it is answered with."""
        if n == 0:
            return
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
        if not self._length_possible(n):
            self.length_errors = (self.length_errors + 1) & _COUNTER
            return
        if rx[1] >= 0x80 or (address == _BROADCAST and rx[1] not in (WRITE_ONE, WRITE_MANY)):
            # A code from 80 hex is an exception reply, so not a request; a broadcast cannot be answered.
            self.ignored = (self.ignored + 1) & _COUNTER
            return
        self.requests = (self.requests + 1) & _COUNTER
        length = self._execute()
        if address != _BROADCAST:
            self._reply(length)

    def _length_possible(self, n: int) -> bool:
        """Return whether `n` bytes can be a request of its function; unknown functions have any length."""
        function = self._rx[1]
        if function in (READ_HOLDING, READ_INPUT, WRITE_ONE):
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
        if function in (READ_HOLDING, READ_INPUT):
            return self._read(HOLDING if function == READ_HOLDING else INPUT)
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
        for k in range(2, 6):  # a slice would allocate
            tx[k] = rx[k]
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
        self._sent = length + 2
        self._echoed = 0
        self._sending = True
        self.replies = (self.replies + 1) & _COUNTER
        self.port.write(self._tx, self._sent)

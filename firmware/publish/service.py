"""What a Modbus slave answers beside registers: diagnostics (08), server ID (11 hex), identification (2B/0E).

Application Protocol 1.1b3, 6.8, 6.13 and 6.21. All of it is the same for every unit address of the box.
"""

from micropython import const

from firmware.publish.register_map import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, copy_bytes

MAKER = b"Backup Box"
METER_MODEL = b"BackupBox_PLUS"  # what the storage system's set-up looks for, to the letter
FIRMWARE_VERSION = b"0.1.0"
BENCH_MARK = b" BENCH"

DIAGNOSE = const(0x08)
REPORT_ID = const(0x11)
IDENTIFY = const(0x2B)

# Sub-functions of 08.
_QUERY_DATA = const(0x00)
_RESTART = const(0x01)
_DIAGNOSTIC_REGISTER = const(0x02)
_LISTEN_ONLY = const(0x04)
_CLEAR = const(0x0A)
_FIRST_COUNTER = const(0x0B)
_LAST_COUNTER = const(0x12)
_COUNTERS = const(8)
_AND_THE_LOG = const(0xFF)  # high byte of a restart's data, which the box's event log does not heed

_DEVICE_ID = const(0x0E)  # the MEI type
_BASIC = const(1)
_REGULAR = const(2)
_EXTENDED = const(3)
_ONE = const(4)
_CONFORMITY = const(0x82)  # regular identification, as a stream and one by one
_BASIC_OBJECTS = const(3)
_RUNNING = const(0xFF)
_MODEL = const(5)
_REVISION = const(2)


def identity(board_name: str, synthetic: bool) -> tuple:
    """Return the objects of 6.21: vendor, product code, revision, URL, product, model, application."""
    version = FIRMWARE_VERSION + BENCH_MARK if synthetic else FIRMWARE_VERSION
    product = b"Three-phase backup box with meter"
    return MAKER, METER_MODEL, version, b"", product, METER_MODEL, board_name.encode()


class Service:
    """`objects` are what `identity` returns, at most 230 bytes together.

    `listens` is true in listen-only mode: nothing is answered, and nothing executed but the restart of
    communications that ends it.
    """

    def __init__(self, objects: tuple) -> None:
        self.listens = False
        self._objects = objects
        self._cleared = [0] * _COUNTERS  # where the counters stood when they were last cleared

    def length_possible(self, function: int, n: int) -> bool:
        """Return whether a request can have `n` bytes; those of unknown functions may have any number."""
        if function == DIAGNOSE:
            return n >= 6 and n & 1 == 0  # the echo of sub-function 0 has any number of words
        if function == REPORT_ID:
            return n == 4
        if function == IDENTIFY:
            return n >= 5  # other MEI types have other lengths
        return True

    def execute(self, slave, rx, n: int, tx) -> int:
        """Put the answer to the request of `n` bytes in `rx` into `tx`.

        Return its length without CRC, 0 when there is none, or less than 0: an exception code.
        """
        if rx[1] == DIAGNOSE:
            return self._diagnose(slave, rx, n, tx)
        if rx[1] == REPORT_ID:
            return self._report(tx)
        return self._identify(rx, n, tx)

    # -- diagnostics ---------------------------------------------------------------------------------

    def _diagnose(self, slave, rx, n: int, tx) -> int:
        sub = rx[2] << 8 | rx[3]
        if self.listens:
            return self._listen(sub, rx, n, slave)
        if sub == _QUERY_DATA:
            copy_bytes(rx, 2, tx, 2, n - 4)
            return n - 2
        known = sub in (_RESTART, _DIAGNOSTIC_REGISTER, _LISTEN_ONLY) or _CLEAR <= sub <= _LAST_COUNTER
        if not known:
            return -ILLEGAL_FUNCTION
        if n != 8:
            return -ILLEGAL_VALUE
        if rx[5] or rx[4] and not (sub == _RESTART and rx[4] == _AND_THE_LOG):
            return -ILLEGAL_VALUE
        copy_bytes(rx, 2, tx, 2, 4)
        if sub == _LISTEN_ONLY:
            self.listens = True
            return 0
        if sub == _CLEAR or sub == _RESTART:
            self._clear(slave)
        elif sub >= _FIRST_COUNTER:
            number = sub - _FIRST_COUNTER
            count = (_count(slave, number) - self._cleared[number]) & 0xFFFF
            tx[4], tx[5] = count >> 8, count & 0xFF
        return 6  # the diagnostic register is 0: nothing is told by it

    def _listen(self, sub: int, rx, n: int, slave) -> int:
        """In listen-only mode: a proper restart ends it, and nothing is answered, not even an exception."""
        if sub == _RESTART and n == 8 and rx[5] == 0 and (rx[4] == 0 or rx[4] == _AND_THE_LOG):
            self.listens = False
            self._clear(slave)
        return 0

    def _clear(self, slave) -> None:
        for number in range(_COUNTERS):
            self._cleared[number] = _count(slave, number)

    # -- who this is ---------------------------------------------------------------------------------

    def _report(self, tx) -> int:
        """The server's ID is its model and version; it is always running."""
        at = 3
        if self._objects:
            at = _put(self._objects[_MODEL], tx, at)
            tx[at] = 0x20
            at = _put(self._objects[_REVISION], tx, at + 1)
        tx[at] = _RUNNING
        tx[2] = at - 2
        return at + 1

    def _identify(self, rx, n: int, tx) -> int:
        if rx[2] != _DEVICE_ID or not self._objects:
            return -ILLEGAL_FUNCTION
        if n != 7 or not _BASIC <= rx[3] <= _ONE:
            return -ILLEGAL_VALUE
        code, first = rx[3], rx[4]
        count = _BASIC_OBJECTS if code == _BASIC else len(self._objects)
        if code == _ONE:
            if first >= count:
                return -ILLEGAL_ADDRESS
            count = first + 1
        elif first >= count:
            first = 0  # an unknown object: begin anew
        copy_bytes(rx, 2, tx, 2, 2)
        tx[4] = _CONFORMITY
        tx[5] = tx[6] = 0  # nothing more follows: all objects fit into one reply
        tx[7] = count - first
        at = 8
        for number in range(first, count):
            text = self._objects[number]
            tx[at] = number
            tx[at + 1] = len(text)
            at = _put(text, tx, at + 2)
        return at


def _put(text: bytes, tx, at: int) -> int:
    copy_bytes(text, 0, tx, at, len(text))
    return at + len(text)


def _count(slave, number: int) -> int:
    """Return a counter by its place among the sub-functions 0B to 12 (6.8.1)."""
    if number == 0:  # messages on the bus
        return slave.good_frames
    if number == 1:  # errors in communication
        port = slave.port
        damaged = port.framing_errors + port.parity_errors
        return slave.crc_errors + slave.short_frames + slave.long_frames + damaged
    if number == 2:
        return slave.exceptions
    if number == 3:  # messages for us
        return slave.requests
    if number == 4:  # of these, without a reply
        return slave.unanswered
    if number == 6:
        return slave.busy
    if number == 7:
        return slave.port.overruns
    return 0  # negative acknowledges: there are none

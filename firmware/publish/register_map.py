"""The register engine: rows of registers in two address spaces, read into and written from Modbus frames.

It knows nothing of the box: a row brings the functions that read, judge and write its value. Buffers
belong to the caller; a read fills them in place.

A row is a tuple, made by `row()`. One row stands for a run of registers that differ in a suffix
(L1 to L3 and total); `item` counts from 0 within the run and tells the functions which one is meant.
"""

from array import array

from micropython import const

from firmware.publish.words import F32, FACTOR, TYPE, WORDS, decode, encode

# Modbus exception codes, as `read` and `write` return them; 0 is success.
ILLEGAL_FUNCTION = const(1)
ILLEGAL_ADDRESS = const(2)
ILLEGAL_VALUE = const(3)

INPUT = const(0)
HOLDING = const(1)
TABLE_NAMES = ("input", "holding")

# Columns of a row.
ADDRESS = const(0)
NAME = const(1)
RUN = const(2)
QUANTITY = const(3)
READ = const(4)
ACCEPT = const(5)
WRITE = const(6)
CODES = const(7)
BITS = const(8)
NOTE = const(9)

SINGLE = ("",)
_MAX_ITEM_BYTES = const(64)


def row(address, name, run, of, read, accept=None, write=None, codes=(), bits=(), note="") -> tuple:
    """Return one row of a register table.

    `read(box, item)` gives the box's value. A writable row has `accept(box, item, raw) -> bool`, which
    changes nothing, and `write(box, item, raw) -> bool`, False where it is refused after all. `codes`
    names the values from 0 up, `bits` the bits of a bit field from bit 0 up.
    """
    return (address, name, run, of, read, accept, write, codes, bits, note)


def _end(entry: tuple) -> int:
    return entry[ADDRESS] + len(entry[RUN]) * entry[QUANTITY][WORDS]


class AddressSpace:
    """The rows of one table (input or holding) and the contiguous blocks `(first, last)` they live in.

    Inside a block an address without a row reads 0; a range that leaves its block is refused. Raises
    ValueError where rows overlap, lie outside the blocks or cannot do what they say.
    """

    def __init__(self, blocks: tuple, rows) -> None:
        self.blocks = blocks
        self.rows = tuple(sorted(rows, key=lambda entry: entry[ADDRESS]))
        self.starts = array("H", [entry[ADDRESS] for entry in self.rows])
        self._scratch = bytearray(_MAX_ITEM_BYTES)
        free_from = 0
        for entry in self.rows:
            first, last = entry[ADDRESS], _end(entry) - 1
            if first < free_from:
                raise ValueError("register %s overlaps the row before" % entry[NAME])
            if not self._inside(first, last):
                raise ValueError("register %s is outside every block" % entry[NAME])
            if entry[WRITE] is not None and entry[QUANTITY][TYPE] >= F32:
                raise ValueError("register %s cannot be written in its type" % entry[NAME])
            free_from = last + 1

    def _inside(self, first: int, last: int) -> bool:
        for block in self.blocks:  # noqa: SIM110  a generator would be an object for every request
            if block[0] <= first and last <= block[1]:
                return True
        return False

    def _row_at(self, address: int) -> int:
        """Return the index of the first row that ends above `address`."""
        low, high = 0, len(self.starts)
        while low < high:
            middle = (low + high) >> 1
            if self.starts[middle] <= address:
                low = middle + 1
            else:
                high = middle
        if low and _end(self.rows[low - 1]) > address:
            return low - 1
        return low

    def read(self, box, start: int, count: int, into, at: int) -> int:
        """Fill into[at:] with `count` registers from `start`; return 0 or an exception code."""
        end = start + count
        if count < 1 or not self._inside(start, end - 1):
            return ILLEGAL_ADDRESS
        address = start
        index = self._row_at(start)
        while index < len(self.rows) and self.starts[index] < end:
            entry = self.rows[index]
            at = _zeros(into, at, entry[ADDRESS] - address)
            address = max(address, entry[ADDRESS])
            stop = min(end, _end(entry))
            at = self._read_run(box, entry, address, stop, into, at)
            address = stop
            index += 1
        _zeros(into, at, end - address)
        return 0

    def _read_run(self, box, entry: tuple, address: int, stop: int, into, at: int) -> int:
        """Encode the registers `address` to `stop` - 1 of one row; return the next position in `into`."""
        kind, words, factor = entry[QUANTITY][TYPE], entry[QUANTITY][WORDS], entry[QUANTITY][FACTOR]
        read = entry[READ]
        while address < stop:
            item = (address - entry[ADDRESS]) // words
            skip = (address - entry[ADDRESS]) % words
            take = min(words - skip, stop - address)
            value = read(box, item)
            if factor != 1 and value is not None:
                value = value * factor
            if take == words:
                encode(kind, words, value, into, at)
            else:  # a range that begins or ends inside a value
                encode(kind, words, value, self._scratch, 0)
                for k in range(2 * take):
                    into[at + k] = self._scratch[2 * skip + k]
            at += 2 * take
            address += take
        return at

    def write(self, box, start: int, count: int, source, at: int) -> int:
        """Write `count` registers from source[at:] to `start`; return 0 or an exception code.

        The whole request is judged, first its addresses, then its values, before any of it takes effect.
        Effects come in the order of the addresses. What a row's `write` refuses at that point must be the
        last in the request or undo the rest itself, as a refused commit drops all that was staged.
        """
        end = start + count
        if count < 1 or not self._inside(start, end - 1):
            return ILLEGAL_ADDRESS
        address = start
        index = self._row_at(start)
        while address < end:  # every address must belong to a whole value that can be written
            if index >= len(self.rows) or self.starts[index] > address:
                return ILLEGAL_ADDRESS
            entry = self.rows[index]
            stop = min(end, _end(entry))
            words = entry[QUANTITY][WORDS]
            if entry[WRITE] is None or (address - entry[ADDRESS]) % words or (stop - address) % words:
                return ILLEGAL_ADDRESS
            address = stop
            index += 1
        if not self._each(ACCEPT, box, start, end, source, at):
            return ILLEGAL_VALUE
        return 0 if self._each(WRITE, box, start, end, source, at) else ILLEGAL_VALUE

    def _each(self, column: int, box, start: int, end: int, source, at: int) -> bool:
        """Call one column of the rows for every value of a range known to be writable; stop at a refusal."""
        index = self._row_at(start)
        while start < end:
            entry = self.rows[index]
            kind, words = entry[QUANTITY][TYPE], entry[QUANTITY][WORDS]
            item = (start - entry[ADDRESS]) // words
            if not entry[column](box, item, decode(kind, source, at)):
                return False
            start += words
            at += 2 * words
            if item + 1 == len(entry[RUN]):
                index += 1
        return True


def _zeros(into, at: int, words: int) -> int:
    """Write `words` (if any) zero registers at into[at:]; return the next position."""
    for k in range(2 * words):
        into[at + k] = 0
    return at + max(0, 2 * words)


class RegisterMap:
    """A box seen through its two address spaces; what the Modbus slave reads and writes."""

    def __init__(self, box, inputs: AddressSpace, holdings: AddressSpace) -> None:
        self.box = box
        self.spaces = (inputs, holdings)
        for block in inputs.blocks:
            for other in holdings.blocks:
                if block[0] <= other[1] and other[0] <= block[1]:
                    raise ValueError("input and holding addresses overlap at %d" % max(block[0], other[0]))

    def read(self, table: int, start: int, count: int, into, at: int) -> int:
        """Fill into[at:] with `count` registers of INPUT or HOLDING; return 0 or an exception code."""
        return self.spaces[table].read(self.box, start, count, into, at)

    def write(self, start: int, count: int, source, at: int) -> int:
        """Write `count` holding registers, all or none, from source[at:]; return 0 or an exception code."""
        return self.spaces[HOLDING].write(self.box, start, count, source, at)

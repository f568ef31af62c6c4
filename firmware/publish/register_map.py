"""The registers of one table as they go over the line, ready to be copied into a reply.

A reply must start within two milliseconds, and a register's value may take a tenth of one to find out.
So nothing is computed when a master asks: the words stand ready, and the loop renews them row by row.
"""

import micropython
from micropython import const

# Modbus exception codes, as `read` and `write` return them; 0 is success.
ILLEGAL_FUNCTION = const(1)
ILLEGAL_ADDRESS = const(2)
ILLEGAL_VALUE = const(3)
FAILURE = const(4)
BUSY = const(6)

INPUT = const(0)
HOLDING = const(1)


@micropython.viper
def copy_bytes(source: ptr8, at: int, into: ptr8, to: int, n: int):  # type: ignore[name-defined]
    """Copy source[at : at + n] to into[to:]: a slice would be an object."""
    to -= at
    n += at
    while at < n:
        into[to + at] = source[at]
        at += 1


class Image:
    """The words of contiguous blocks `(first, last)`, one block after the other, big-endian.

    Inside a block an address that nobody writes reads 0; a range that leaves its block is refused.
    """

    def __init__(self, blocks: tuple) -> None:
        self._blocks: tuple = ()  # first, last, place of address 0; the last first: it is asked for most
        place = 0
        for first, last in blocks:
            self._blocks = ((first, last, place - 2 * first),) + self._blocks
            place += 2 * (last + 1 - first)
        self.content = bytearray(place)

    def place(self, start: int, count: int) -> int:
        """Return where `count` registers from `start` lie in `content`, -1 where they leave a block."""
        end = start + count - 1
        for first, last, place in self._blocks:
            if first <= start <= end <= last:
                return place + 2 * start
        return -1

    def read(self, start: int, count: int, into, at: int) -> int:
        """Fill into[at:] with `count` registers from `start`; return 0 or an exception code."""
        place = self.place(start, count)
        if place < 0:
            return ILLEGAL_ADDRESS
        copy_bytes(self.content, place, into, at, 2 * count)
        return 0

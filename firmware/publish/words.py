"""Values as Modbus words: big-endian, high word first."""

import micropython
from micropython import const

U16 = const(0)
I16 = const(1)
U32 = const(2)
I32 = const(3)


def words_of(kind: int) -> int:
    """Return how many registers a value of this type takes."""
    return 1 if kind <= I16 else 2


@micropython.viper
def put_row(row, values, into: ptr8, at: int):  # type: ignore[name-defined]
    """Write the values of a row `(address, count, kind, step, ...)` one behind the other into into[at:].

    Each is divided by `step` and rounded. What is beyond a type of 16 bits becomes the end of its range;
    values of 32 bits must fit theirs.
    """
    count = int(row[1])
    kind = int(row[2])
    step = int(row[3])
    n = 0
    while n < count:
        value = int(values[n])
        if step > 1:
            value = (value + (step >> 1)) // step
        if kind == 0:
            if value < 0:
                value = 0
            elif value > 0xFFFF:
                value = 0xFFFF
        elif kind == 1:
            if value < -0x8000:
                value = -0x8000
            elif value > 0x7FFF:
                value = 0x7FFF
        else:
            into[at] = (value >> 24) & 0xFF
            into[at + 1] = (value >> 16) & 0xFF
            at += 2
        into[at] = (value >> 8) & 0xFF
        into[at + 1] = value & 0xFF
        at += 2
        n += 1

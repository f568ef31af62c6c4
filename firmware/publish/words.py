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


@micropython.viper
def put_floats(values, first: int, count: int, divisor: int, into: ptr8, at: int):  # type: ignore[name-defined]
    """Write values[first : first + count], each divided by 1 to 1000, as floats of 32 bits into into[at:].

    Integers all the way, so that no object is made: |value| < 2^31, the result is rounded to the nearest
    float, a tie away from zero. The quotient has 25 bits, the last one decides on the rounding.
    """
    n = first
    end = first + count
    while n < end:
        value = int(values[n])
        n += 1
        sign = 0
        if value < 0:
            sign = 0x80
            value = 0 - value
        high = 0
        low = 0
        if value > 0:
            exponent = 127 + 24  # of a quotient of 25 bits
            while value < 0x20000000:
                value <<= 1
                exponent -= 1
            quotient = value // divisor
            rest = value - quotient * divisor
            while quotient >= 0x2000000:
                quotient >>= 1
                exponent += 1
            while quotient < 0x1000000:
                quotient <<= 1
                rest <<= 1
                if rest >= divisor:
                    rest -= divisor
                    quotient += 1
                exponent -= 1
            quotient = (quotient + 1) >> 1
            if quotient >> 24:
                quotient >>= 1
                exponent += 1
            high = (exponent << 7) | ((quotient >> 16) & 0x7F)
            low = quotient & 0xFFFF
        into[at] = sign | (high >> 8)
        into[at + 1] = high & 0xFF
        into[at + 2] = low >> 8
        into[at + 3] = low & 0xFF
        at += 4

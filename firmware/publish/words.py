"""Values as Modbus words: types, scales, rounding, saturation. Big-endian, high word first."""

import struct

from micropython import const

U16 = const(0)
I16 = const(1)
U32 = const(2)
I32 = const(3)
F32 = const(4)
ASCII = const(5)
TYPE_NAMES = ("u16", "i16", "u32", "i32", "f32", "ascii")
_LOWEST = (0, -0x8000, 0, -0x80000000)
_HIGHEST = (0xFFFF, 0x7FFF, 0xFFFFFFFF, 0x7FFFFFFF)
_UNKNOWN = (0xFFFF, -0x8000, 0xFFFFFFFF, -0x80000000)
_F32_HIGHEST = 3.4e38  # a little below the end: parsing the exact limit overflows in single precision

# Columns of a quantity.
TYPE = const(0)
WORDS = const(1)
SCALE = const(2)
UNIT = const(3)
FACTOR = const(4)


def quantity(kind: int, scale: float, unit: str, factor: float, words: int = 0) -> tuple:
    """Return a quantity: raw x `scale` is in `unit`, the box's value x `factor` is raw; `words` for ASCII."""
    return (kind, words or (1 if kind <= I16 else 2), scale, unit, factor)


def raw_of(kind: int, value) -> int:
    """Return `value` (in raw steps) rounded and saturated to an integer type.

    None and not-a-number give the type's mark for unknown: all ones, or the lowest signed value.
    """
    if value is None or value != value:
        return _UNKNOWN[kind]
    if value <= _LOWEST[kind]:
        return _LOWEST[kind]
    if value >= _HIGHEST[kind]:
        return _HIGHEST[kind]
    if isinstance(value, int):
        return value
    return int(value + 0.5) if value >= 0 else -int(0.5 - value)


def encode(kind: int, words: int, value, into, at: int) -> None:
    """Write one value (raw steps, or bytes for ASCII) as 2 * `words` bytes into into[at:]."""
    if kind == ASCII:
        for k in range(2 * words):
            into[at + k] = value[k] if k < len(value) else 0
    elif kind == F32:
        if value is None:
            value = float("nan")
        elif value == value:
            value = max(-_F32_HIGHEST, min(value, _F32_HIGHEST))
        struct.pack_into(">f", into, at, value)
    else:
        raw = raw_of(kind, value)
        if words == 2:
            into[at] = (raw >> 24) & 0xFF
            into[at + 1] = (raw >> 16) & 0xFF
            at += 2
        into[at] = (raw >> 8) & 0xFF
        into[at + 1] = raw & 0xFF


def decode(kind: int, source, at: int) -> int:
    """Return the raw integer (u16 to i32) at source[at:]."""
    raw = (source[at] << 8) | source[at + 1]
    if kind >= U32:
        raw = (raw << 16) | (source[at + 2] << 8) | source[at + 3]
    return raw - 2 * (_HIGHEST[kind] + 1) if raw > _HIGHEST[kind] else raw

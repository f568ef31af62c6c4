"""Types, rounding, saturation and the order of bytes."""

import struct

from firmware.publish.meter_image import put_floats
from firmware.publish.words import I16, I32, U16, U32, put_row, words_of
from tools.register_list import TYPE_NAMES, decode


def _encoded(kind, values, step=1):
    size = 2 * words_of(kind) * len(values)
    into = bytearray(b"\xee" * (size + 2))
    put_row((0, len(values), kind, step, "more"), values, into, 1)
    assert into[0] == 0xEE and into[size + 1] == 0xEE  # nothing beside its place
    return bytes(into[1 : size + 1])


def _decoded(kind, value, step=1):
    return decode(TYPE_NAMES[kind], _encoded(kind, [value], step))


def test_saturation_at_both_ends_of_the_short_types():
    for kind, low, high in ((U16, 0, 65535), (I16, -32768, 32767)):
        for value, raw in ((low, low), (low - 1, low), (-70000, low), (-(1 << 29), low)):
            assert _decoded(kind, value) == raw, (kind, value)
        for value, raw in ((high, high), (high + 1, high), (high + 70000, high), ((1 << 30) - 1, high)):
            assert _decoded(kind, value) == raw, (kind, value)


def test_rounding_is_to_the_nearest():
    for value, raw in ((14, 1), (15, 2), (-14, -1), (-15, -1), (-16, -2), (0, 0), (123456, 12346)):
        assert _decoded(I32, value, 10) == raw, value
    assert _decoded(U16, 655355, 10) == 65535


def test_big_endian_high_word_first():
    assert _encoded(U16, [0x1234]) == b"\x12\x34"
    assert _encoded(I16, [-2]) == b"\xff\xfe"
    assert _encoded(U32, [0x89ABCDEF]) == b"\x89\xab\xcd\xef"
    assert _encoded(I32, [-2]) == b"\xff\xff\xff\xfe"
    assert _encoded(U32, (1, 2, 0x30004)) == b"\0\0\0\1\0\0\0\2\0\3\0\4"
    assert _encoded(U16, [1, 2]) == b"\0\1\0\2"


def test_decode_is_the_inverse():
    for kind, values in (
        (U16, (0, 1, 65535)),
        (I16, (0, 1, -1, 32767, -32768)),
        (U32, (0, 65536, 4294967295)),
        (I32, (0, -1, 2147483647, -2147483648)),
    ):
        for value in values:
            assert decode(TYPE_NAMES[kind], b"\xee" + _encoded(kind, [value]), 1) == value, (kind, value)


# -- floats ------------------------------------------------------------------------------------------


def _float(value, divisor):
    into = bytearray(b"\xee" * 6)
    put_floats([7, value, 7], 1, 1, divisor, into, 1)
    assert into[0] == into[5] == 0xEE  # nothing beside its place
    return bytes(into[1:5])


def _nearest(value, divisor):
    """The nearest float of value / divisor, a tie away from zero: a mantissa of 24 bits, as a fraction."""
    top, bottom = abs(value), divisor
    shift = 0
    while top < bottom << 23:
        top <<= 1
        shift += 1
    while top >= bottom << 24:
        bottom <<= 1
        shift -= 1
    mantissa = (2 * top + bottom) // (2 * bottom)
    exact = mantissa * 2.0**-shift
    return struct.pack(">f", exact if value > 0 else -exact)


def _tied(value, divisor):
    """Whether a value lies right between two floats: then its double has exactly one bit too many."""
    bits = struct.unpack(">Q", struct.pack(">d", value / divisor))[0]
    return bits & 0x1FFFFFFF == 0x10000000


def test_floats_that_are_exact():
    for value, divisor, wanted in (
        (0, 1, 0.0),
        (0, 1000, 0.0),
        (1, 1, 1.0),
        (-1, 1, -1.0),
        (23000, 100, 230.0),
        (-50, 100, -0.5),
        (1 << 24, 1, 16777216.0),
        (1 << 30, 1, 1073741824.0),
        (-(1 << 30), 1, -1073741824.0),
    ):
        assert _float(value, divisor) == struct.pack(">f", wanted), (value, divisor)


def test_floats_are_the_nearest():
    """Both ends of every size, around each power of two, and some in between."""
    for divisor in (1, 10, 100, 1000):
        value = 1
        for bits in range(31):
            near = 1 << bits
            value = (value * 1103515245 + 12345) & 0x7FFFFFFF
            for sample in (near, near + 1, near + (near >> 1), 2 * near - 1, 1 + (value >> (31 - bits))):
                for signed in (sample, -sample):
                    wanted = _nearest(signed, divisor)
                    assert wanted == struct.pack(">f", signed / divisor) or _tied(signed, divisor)
                    assert _float(signed, divisor) == wanted, (signed, divisor)


def test_large_values_are_rounded_once():
    """From 2^30 on each of the value's bits still counts."""
    for value, wanted in ((1691295563, 1691295.625), (1502886063, 1502886.125), (2147483647, 2147483.75)):
        assert _float(value, 1000) == struct.pack(">f", wanted), value
        assert _float(-value, 1000) == struct.pack(">f", -wanted), value


def test_ties_go_away_from_zero():
    for value, divisor, wanted in (
        (16777217, 1, 16777218.0),
        (-16777217, 1, -16777218.0),
        (19779193, 1, 19779194.0),
        (33554434, 1, 33554436.0),
        (115000468, 1, 115000472.0),
        (-264596730, 10, -26459674.0),
        (516817825, 100, 5168178.5),
    ):
        assert _float(value, divisor) == struct.pack(">f", wanted), value


def test_several_floats_stand_one_behind_the_other():
    into = bytearray(8)
    put_floats([1, 23000, -23000], 1, 2, 100, into, 0)
    assert into == struct.pack(">ff", 230.0, -230.0)

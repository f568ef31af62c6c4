"""Types, rounding, saturation and the order of bytes."""

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

"""Rounding, saturation, unknown values and the order of bytes."""

import struct

from firmware.publish.words import ASCII, F32, I16, I32, U16, U32, decode, encode, raw_of

NAN = float("nan")
INF = float("inf")


def _encoded(kind, words, value):
    into = bytearray(b"\xee" * (2 * words + 2))
    encode(kind, words, value, into, 1)
    assert into[0] == 0xEE and into[2 * words + 1] == 0xEE  # nothing beside its place
    return bytes(into[1 : 2 * words + 1])


def test_rounding_is_to_the_nearest_and_symmetric():
    for value, raw in (
        (0.49, 0),
        (0.5, 1),
        (1.49, 1),
        (1.5, 2),
        (2.5, 3),
        (-0.49, 0),
        (-0.5, -1),
        (-2.6, -3),
    ):
        assert raw_of(I16, value) == raw, value
    assert raw_of(U16, -0.2) == 0
    assert raw_of(U16, 7) == 7
    assert raw_of(U16, True) == 1


def test_saturation_at_both_ends_of_each_type():
    ends = ((U16, 0, 65535), (I16, -32768, 32767), (U32, 0, 4294967295), (I32, -2147483648, 2147483647))
    for kind, low, high in ends:
        for value in (low, float(low), low - 1, low - 1000.0, -INF):
            assert raw_of(kind, value) == low, (kind, value)
        for value in (high, high + 1, high * 2.0, INF):
            assert raw_of(kind, value) == high, (kind, value)


def test_unknown_is_all_ones_or_the_lowest():
    for value in (NAN, None):
        assert raw_of(U16, value) == 0xFFFF
        assert raw_of(I16, value) == -0x8000
        assert raw_of(U32, value) == 0xFFFFFFFF
        assert raw_of(I32, value) == -0x80000000
        quiet = struct.unpack(">f", _encoded(F32, 2, value))[0]
        assert quiet != quiet


def test_big_endian_high_word_first():
    assert _encoded(U16, 1, 0x1234) == b"\x12\x34"
    assert _encoded(I16, 1, -2) == b"\xff\xfe"
    assert _encoded(U32, 2, 0x89ABCDEF) == b"\x89\xab\xcd\xef"
    assert _encoded(I32, 2, -2) == b"\xff\xff\xff\xfe"
    assert _encoded(F32, 2, 1.5) == b"\x3f\xc0\x00\x00"
    assert _encoded(ASCII, 3, b"AbC") == b"AbC\0\0\0"
    assert _encoded(ASCII, 1, b"AbC") == b"Ab"


def test_a_float_beyond_single_precision_saturates():
    for value in (1e39, INF):
        back = struct.unpack(">f", _encoded(F32, 2, value))[0]
        assert 3.3e38 < back < 3.41e38, back
        back = struct.unpack(">f", _encoded(F32, 2, -value))[0]
        assert -3.41e38 < back < -3.3e38, back


def test_decode_is_the_inverse():
    for kind, words, values in (
        (U16, 1, (0, 1, 65535)),
        (I16, 1, (0, 1, -1, 32767, -32768)),
        (U32, 2, (0, 65536, 4294967295)),
        (I32, 2, (0, -1, 2147483647, -2147483648)),
    ):
        for value in values:
            assert decode(kind, b"\xee" + _encoded(kind, words, value), 1) == value, (kind, value)

"""The image of a register table: blocks, holes, ranges."""

from firmware.publish.register_map import ILLEGAL_ADDRESS, Image, copy_bytes

BLOCKS = ((10, 29), (40, 41), (65530, 65535))
WORDS = 28


def _image():
    image = Image(BLOCKS)
    assert len(image.content) == 2 * WORDS
    for n in range(len(image.content)):
        image.content[n] = n + 1
    return image


def _read(image, start, count):
    into = bytearray(b"\xee" * (2 * count + 2))
    code = image.read(start, count, into, 1)
    assert into[0] == 0xEE and into[-1] == 0xEE  # nothing beside its place
    if code:
        assert into == b"\xee" * len(into)
        return code
    return bytes(into[1:-1])


def test_every_range_inside_a_block_is_a_piece_of_the_whole():
    image = _image()
    base = 0
    for first, last in BLOCKS:
        for start in range(first, last + 1):
            for end in range(start, last + 1):
                at = base + 2 * (start - first)
                assert image.place(start, end - start + 1) == at
                assert _read(image, start, end - start + 1) == bytes(
                    image.content[at : at + 2 * (end - start + 1)]
                )
        base += 2 * (last - first + 1)


def test_ranges_that_leave_a_block_are_illegal_addresses():
    image = _image()
    for start, count in (
        (9, 1),
        (9, 2),
        (29, 2),
        (29, 13),
        (30, 1),
        (0, 125),
        (39, 3),
        (40, 3),
        (42, 1),
        (65529, 2),
        (65535, 2),
        (65535, 125),
        (10, 0),
    ):
        assert image.place(start, count) == -1
        assert _read(image, start, count) == ILLEGAL_ADDRESS, (start, count)


def test_an_address_that_nobody_writes_reads_0():
    assert _read(Image(BLOCKS), 10, 20) == bytes(40)


def test_copying():
    into = bytearray(b"\xee" * 6)
    copy_bytes(b"abcdef", 2, into, 1, 3)
    assert into == b"\xeecde\xee\xee"
    copy_bytes(b"abcdef", 0, into, 0, 0)
    assert into == b"\xeecde\xee\xee"

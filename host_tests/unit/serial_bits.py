"""Characters as levels on a wire, both ways, in microseconds."""

from firmware.hardware.rtu_timing import FORMAT_8E1, FORMAT_8N1, FORMAT_8N2, FORMAT_8O1

FORMATS = (FORMAT_8N1, FORMAT_8E1, FORMAT_8O1, FORMAT_8N2)


def bits_of(byte, line_format=FORMAT_8N1):
    """Return a character's bits in the order they are sent, from the start bit to the last stop bit."""
    bits = [byte >> n & 1 for n in range(8)]
    if line_format == FORMAT_8E1:
        bits.append(sum(bits) % 2)  # with it the ones are even in number
    if line_format == FORMAT_8O1:
        bits.append(1 - sum(bits) % 2)
    return [0] + bits + ([1, 1] if line_format == FORMAT_8N2 else [1])


def levels_of(content, start_us, baud, bad=(), line_format=FORMAT_8N1, flipped=()):
    """Return `content` as (time in us, level), and when the last stop bit ends.

    Characters whose numbers are in `bad` have a (first) stop bit of 0. In those whose numbers are in
    `flipped` the bit before the stop bit is wrong: the parity, or the last one of the data.
    """
    bit_us = 1000000 / baud
    levels = []
    at = start_us
    for k in range(len(content)):
        bits = bits_of(content[k], line_format)
        stop = -2 if line_format == FORMAT_8N2 else -1
        if k in bad:
            bits[stop] = 0
        if k in flipped:
            bits[stop - 1] ^= 1
        for bit in bits:
            levels.append((at, bit))
            at += bit_us
    if levels and levels[-1][1] == 0:
        levels.append((at, 1))
    return levels, at


def characters_of(edges, baud, line_format=FORMAT_8N1):
    """Return the characters in `edges`, (time in us, level), as (start us, end us, byte).

    Each bit must be steady from a tenth to nine tenths of its time, and all be as the format has them.
    """
    bit_us = 1000000 / baud
    length = len(bits_of(0, line_format))
    characters = []
    k = 0
    while k < len(edges):
        start_us, level = edges[k]
        k += 1
        if level == 1:
            continue
        bits = []
        for n in range(length):
            while k < len(edges) and edges[k][0] <= start_us + (n + 0.1) * bit_us:
                level = edges[k][1]
                k += 1
            steady_us = start_us + (n + 0.9) * bit_us
            assert k == len(edges) or edges[k][0] >= steady_us, "an edge inside a bit, at %f us" % edges[k][0]
            bits.append(level)
        byte = sum([bits[1 + n] << n for n in range(8)])
        assert bits == bits_of(byte, line_format), "not in this format: %s at %f us" % (bits, start_us)
        characters.append((start_us, start_us + length * bit_us, byte))
    return characters

"""Characters as levels on a wire, both ways, in microseconds."""


def levels_of(content, start_us, baud, bad=()):
    """Return `content` in 8N1 as (time in us, level), and when the last stop bit ends.

    Characters whose numbers are in `bad` have a stop bit of 0.
    """
    bit_us = 1000000 / baud
    levels = []
    at = start_us
    for k in range(len(content)):
        bits = [0] + [content[k] >> n & 1 for n in range(8)] + [0 if k in bad else 1]
        for bit in bits:
            levels.append((at, bit))
            at += bit_us
    if len(content) - 1 in bad:
        levels.append((at, 1))
    return levels, at


def characters_of(edges, baud):
    """Return the 8N1 characters in `edges`, (time in us, level), as (start us, end us, byte).

    Each bit must be steady from a tenth to nine tenths of its time, and each stop bit be there.
    """
    bit_us = 1000000 / baud
    characters = []
    k = 0
    while k < len(edges):
        start_us, level = edges[k]
        k += 1
        if level == 1:
            continue
        word = 0
        for n in range(10):
            while k < len(edges) and edges[k][0] <= start_us + (n + 0.1) * bit_us:
                level = edges[k][1]
                k += 1
            steady_us = start_us + (n + 0.9) * bit_us
            assert k == len(edges) or edges[k][0] >= steady_us, "an edge inside a bit, at %f us" % edges[k][0]
            word |= level << n
        assert word & 0x201 == 0x200, "start or stop bit missing at %f us" % start_us
        characters.append((start_us, start_us + 10 * bit_us, word >> 1 & 255))
    return characters

"""The block sums against plain integer arithmetic, all 42 of them, up to the converters' rails."""

from firmware.measure.kernel import BACKUP_SUMS, PAIR_SUMS, QY, SUMS, XX, XY, YY, X, Y, sum_block
from host_tests.unit.waves import Random
from host_tests.unit.working import place_block, sums_of, with_ring

DEPTH = 8


def _plain(ring, now, quarter):
    out = [0] * SUMS
    a, b = ring.a, ring.b
    for scan in range(8):
        at = 64 * now + 8 * scan
        for slot in range(6):
            x, y = a[at + slot] - 2048, b[at + slot] - 2048
            delayed = a[64 * quarter + 8 * scan + slot] - 2048
            row = PAIR_SUMS * slot
            for place, value in ((X, x), (Y, y), (XX, x * x), (YY, y * y), (XY, x * y), (QY, delayed * y)):
                out[row + place] += value
        for n, value in enumerate((a[at + 6], a[at + 7], b[at + 6])):
            out[BACKUP_SUMS + 2 * n] += value - 2048
            out[BACKUP_SUMS + 2 * n + 1] += (value - 2048) ** 2
    return out


def _filled(code):
    """Return a memory and a ring full of `code(chip, slot)`."""
    memory, ring = with_ring(DEPTH)
    for chip, words in enumerate((ring.a, ring.b)):
        for at in range(64 * DEPTH):
            words[at] = code(chip, at % 8)
    return memory, ring


def _sums(memory, now, quarter):
    place_block(memory, now, quarter, 0)
    outside = list(memory.words[48:])
    sum_block(128 * now, memory.address)
    assert list(memory.words[48:]) == outside, "wrote beyond its end"
    assert min(memory.words[:48]) >= 0, "a word that a 64-bit host would not read as the board does"
    return sums_of(memory)


def test_random_blocks_at_every_place_of_the_ring():
    random = Random(3)
    for turn in range(30):
        top = 1 if turn % 3 == 0 else 4095
        memory, ring = _filled(lambda chip, slot, top=top: random.below(top + 1) * (4095 // top))
        for now in (turn % DEPTH, DEPTH - 1, 0):
            quarter = random.below(DEPTH)
            assert _sums(memory, now, quarter) == _plain(ring, now, quarter), turn


def test_each_sum_belongs_to_its_channel():
    for chip in range(2):
        for slot in range(8):
            memory, ring = _filled(lambda chip, slot: 2048)
            for scan in range(8):
                (ring.a, ring.b)[chip][64 + 8 * scan + slot] = 2048 + 3 + scan
            sums = _sums(memory, 1, 3)
            touched = [n for n in range(SUMS) if sums[n]]
            if slot < 6:
                at = PAIR_SUMS * slot
                assert touched == ([at + X, at + XX] if chip == 0 else [at + Y, at + YY])
            elif (chip, slot) == (1, 7):
                assert touched == [], "the spare input counts nowhere"
            else:
                at = BACKUP_SUMS + 2 * {(0, 6): 0, (0, 7): 1, (1, 6): 2}[(chip, slot)]
                assert touched == [at, at + 1]
                assert sums[at] == 52 and sums[at + 1] == 380


def test_the_bounds_that_the_docstring_gives_are_reached_and_not_passed():
    largest = [0, 0]
    for low, high in ((0, 0), (0, 4095), (4095, 0), (4095, 4095)):
        memory, ring = _filled(lambda chip, slot, codes=(low, high): codes[chip])
        sums = _sums(memory, 0, 1)
        assert sums == _plain(ring, 0, 1)
        for slot in range(6):
            for place in range(6):
                kind = 0 if place in (X, Y) else 1
                largest[kind] = max(largest[kind], abs(sums[PAIR_SUMS * slot + place]))
    assert largest == [1 << 14, 1 << 25]

"""The block sums against plain integer arithmetic, all 42 of them, up to the converters' rails."""

from array import array

from firmware.measure.kernel import BACKUP_SUMS, PAIR_SUMS, QY, SUMS, XX, XY, YY, X, Y, sum_block
from host_tests.unit.waves import Random

WORDS = 4 * 64


def _plain(a, b, now, quarter):
    out = [0] * SUMS
    for scan in range(8):
        at = now + 8 * scan
        for slot in range(6):
            x, y = a[at + slot] - 2048, b[at + slot] - 2048
            delayed = a[quarter + 8 * scan + slot] - 2048
            row = PAIR_SUMS * slot
            for place, value in ((X, x), (Y, y), (XX, x * x), (YY, y * y), (XY, x * y), (QY, delayed * y)):
                out[row + place] += value
        for n, value in enumerate((a[at + 6], a[at + 7], b[at + 6])):
            out[BACKUP_SUMS + 2 * n] += value - 2048
            out[BACKUP_SUMS + 2 * n + 1] += (value - 2048) ** 2
    return out


def _sums(a, b, now, quarter):
    out = array("i", [77] * (SUMS + 1))
    sum_block(a, b, now, quarter, out)
    assert out[SUMS] == 77, "wrote beyond its end"
    return list(out)[:SUMS]


def test_random_blocks_at_every_place_of_the_ring():
    random = Random(3)
    for turn in range(30):
        rails = turn % 3 == 0
        codes = [
            array("H", [(4095 * random.below(2)) if rails else random.below(4096) for _ in range(WORDS)])
            for _ in range(2)
        ]
        now, quarter = 64 * random.below(4), 64 * random.below(4)
        assert _sums(codes[0], codes[1], now, quarter) == _plain(codes[0], codes[1], now, quarter), turn


def test_each_sum_belongs_to_its_channel():
    for chip in range(2):
        for slot in range(8):
            codes = [array("H", [2048] * WORDS) for _ in range(2)]
            for scan in range(8):
                codes[chip][64 + 8 * scan + slot] = 2048 + 3 + scan
            sums = _sums(codes[0], codes[1], 64, 192)
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
        a, b = array("H", [low] * WORDS), array("H", [high] * WORDS)
        sums = _sums(a, b, 0, 64)
        assert sums == _plain(a, b, 0, 64)
        for slot in range(6):
            for place in range(6):
                kind = 0 if place in (X, Y) else 1
                largest[kind] = max(largest[kind], abs(sums[PAIR_SUMS * slot + place]))
    assert largest == [1 << 14, 1 << 25]

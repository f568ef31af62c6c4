"""The measuring windows: exact sums, ranges at the bound, no sample twice or never, overrun, ripple."""

import math

from firmware.measure import window
from firmware.measure.kernel import BACKUP_SUMS, SUMS, X, Y, accumulate
from firmware.measure.memory import Memory
from firmware.measure.window import Windows, begin_hop
from host_tests.unit.waves import Random
from host_tests.unit.working import (
    CYCLE_TABLE,
    HOP_BLOCKS,
    HOP_POSITION,
    HOP_QUEUE,
    HOP_WEIGHTS,
    HOP_WORDS,
    HOPS,
    QUEUE,
    WEIGHT_TOP,
    put_sums,
)

WINDOW_WEIGHT = 8 * HOP_BLOCKS * WEIGHT_TOP
BOUND = 1 << 25  # of a product sum (kernel.py)
PLAIN_BOUND = 1 << 14


class Bench(Windows):
    """Windows with the interrupt's side of them."""

    def __init__(self):
        self.memory = Memory()
        super().__init__(self.memory)

    def add(self, sums):
        """Take one block's 42 sums, as the interrupt does."""
        put_sums(self.memory, sums)
        accumulate(self.memory.address)
        if self.memory.words[HOP_POSITION] == HOP_BLOCKS:
            begin_hop(self.memory.address)


RISING = list(Bench().memory.words[HOP_WEIGHTS : HOP_WEIGHTS + HOP_BLOCKS])


def _plain(n):
    """Return whether sum n is one of codes; those are at most 2^14."""
    return (n - BACKUP_SUMS) % 2 == 0 if n >= BACKUP_SUMS else n % 6 in (X, Y)


def _fit(value, block, n):
    """Return a value for sum n of a block, within its bound."""
    return value(block, n) >> 11 if _plain(n) else value(block, n)


def _feed(windows, value, blocks, first=0, taken=None):
    """Feed `value(block, n)` into every sum n; `taken` gets the means that can be taken after each."""
    for block in range(first, first + blocks):
        windows.add([_fit(value, block, n) for n in range(SUMS)])
        if taken is not None:
            while windows.take():
                taken.append(list(windows.means))


def _exact(value, hop, n):
    """Return the window that ends with `hop`, in unbounded integers."""
    total = 0
    for k in range(HOP_BLOCKS):
        total += RISING[k] * _fit(value, (hop - 1) * HOP_BLOCKS + k, n)
        total += (WEIGHT_TOP - RISING[k]) * _fit(value, hop * HOP_BLOCKS + k, n)
    return total


def _mean(total, n):
    """Return the mean that a window's sum has."""
    return total * 1024 // 1275 if _plain(n) else (total + 637) // 1275


def _means(value, hop):
    return [_mean(_exact(value, hop, n), n) for n in range(SUMS)]


def _kept(windows, hop):
    """Return what is kept of a hop, by sum: T and R; or T, H and L."""
    at = HOP_QUEUE + (hop & 7) * HOP_WORDS
    kept = [None] * SUMS
    for phase in range(3):
        for first, count in ((6 * phase, 6), (18 + 6 * phase, 6), (BACKUP_SUMS + 2 * phase, 2)):
            for n in range(first, first + count):
                length = 2 if _plain(n) else 3
                kept[n] = tuple(windows.memory.words[at : at + length])
                at += length
    return kept


def _check_exact(value, hops=4):
    windows, taken = Bench(), []
    _feed(windows, value, hops * HOP_BLOCKS, taken=taken)
    assert len(taken) == hops - 1
    for hop in range(1, hops):
        assert taken[hop - 1] == _means(value, hop), hop


def test_windows_are_exact_for_random_sums():
    random = Random(31)
    table = [[random.below(2 * BOUND + 1) - BOUND for _ in range(SUMS)] for _ in range(4 * HOP_BLOCKS)]
    _check_exact(lambda block, n: table[block][n])


def test_windows_are_exact_at_the_bound():
    _check_exact(lambda block, n: BOUND)
    _check_exact(lambda block, n: -BOUND)
    _check_exact(lambda block, n: BOUND if (block + n) % 2 else -BOUND)
    _check_exact(lambda block, n: 0)


def test_every_word_is_what_unbounded_arithmetic_gives_and_fits_32_bits():
    """On a 64-bit host a wrap would show here only."""
    random = Random(34)
    table = [[random.below(2 * BOUND + 1) - BOUND for _ in range(SUMS)] for _ in range(HOP_BLOCKS)]
    cases = [lambda block, n, s=s: s for s in (BOUND, BOUND - 1, -BOUND, 1 - BOUND, 0, -1)]
    for value in cases + [lambda block, n: table[block][n]]:
        windows = Bench()
        wanted = [[0, 0] if _plain(n) else [-40 * BOUND, 0, 0] for n in range(SUMS)]
        for k in range(HOP_BLOCKS):
            sums = [_fit(value, k, n) for n in range(SUMS)]
            windows.add(sums)
            for n in range(SUMS):
                biased = sums[n] + (PLAIN_BOUND if _plain(n) else BOUND)
                wanted[n][0] += biased
                if _plain(n):
                    wanted[n][1] += RISING[k] * biased
                else:
                    wanted[n][1] += RISING[k] * (biased >> 8)
                    wanted[n][2] += RISING[k] * (biased & 255)
                assert 0 <= biased <= 2 * BOUND
            if k < HOP_BLOCKS - 1:
                assert _kept(windows, 0) == [tuple(words) for words in wanted], k
        assert _kept(windows, 0) == [tuple(words) for words in wanted]
        for n in range(SUMS):
            total = wanted[n][0] - (40 * PLAIN_BOUND if _plain(n) else 0)
            assert total == sum([_fit(value, k, n) for k in range(HOP_BLOCKS)])
            assert max(wanted[n]) < 1 << 31 and min(wanted[n]) >= -40 * BOUND
            assert min(wanted[n][1:]) >= 0, "shifted or compared: must not be negative"
    assert sum(RISING) == 5100 and 5100 << 18 < 1 << 31 and 40 * BOUND < 1 << 31


def test_the_words_of_neighbouring_hops_lie_beside_each_other():
    windows = Bench()
    before = list(windows.memory.words[:HOP_QUEUE])
    _feed(windows, lambda block, n: 77, 20 * HOP_BLOCKS)
    words = windows.memory.words
    assert HOP_QUEUE + QUEUE * HOP_WORDS == CYCLE_TABLE
    assert list(words[CYCLE_TABLE:HOP_WEIGHTS]) == [0] * 32
    assert list(words[HOP_WEIGHTS : HOP_WEIGHTS + HOP_BLOCKS]) == RISING
    changed = [n for n in range(HOP_QUEUE) if words[n] != before[n]]
    assert [n for n in changed if n >= 48] == [HOPS]


def test_a_slot_is_clean_when_it_comes_round_again():
    _check_exact(lambda block, n: (block // HOP_BLOCKS + 1) * 1000 - n, 3 * QUEUE)


def test_neighbouring_windows_weigh_every_sample_alike():
    random = Random(32)
    blocks = 6 * HOP_BLOCKS
    table = [random.below(2 * BOUND + 1) - BOUND for _ in range(blocks)]
    windows = Bench()
    whole = 0
    for hop in range(6):
        _feed(windows, lambda block, n: table[block], HOP_BLOCKS, first=hop * HOP_BLOCKS)
        if hop:
            assert windows.take()
            rises, falls = _kept(windows, hop - 1)[2], _kept(windows, hop)[2]
            whole += 256 * (rises[1] - falls[1]) + rises[2] - falls[2] + WEIGHT_TOP * falls[0]
        else:
            assert not windows.take()
    # The first hop only rises and the last only falls; in between every block counts 255 times.
    edges = sum([(WEIGHT_TOP - RISING[k]) * table[k] for k in range(HOP_BLOCKS)])
    edges += sum([RISING[k] * table[blocks - HOP_BLOCKS + k] for k in range(HOP_BLOCKS)])
    assert whole == WEIGHT_TOP * sum(table) - edges


def test_the_weight_of_a_window():
    windows, taken = Bench(), []
    _feed(windows, lambda block, n: 8 << 11 if _plain(n) else 8, 2 * HOP_BLOCKS, taken=taken)
    assert taken[0] == [65536 if _plain(n) else 64 for n in range(SUMS)], "the mean is one"
    assert WINDOW_WEIGHT == 64 * 1275


def test_means_are_those_of_unbounded_integers_up_to_the_bound():
    random = Random(33)
    table = [[random.below(2 * BOUND + 1) - BOUND for _ in range(SUMS)] for _ in range(2 * HOP_BLOCKS)]
    for value in (
        lambda block, n: BOUND,
        lambda block, n: -BOUND,
        lambda block, n: BOUND if block < HOP_BLOCKS else -BOUND,
        lambda block, n: -BOUND if block < HOP_BLOCKS else BOUND,
        lambda block, n: 0,
        lambda block, n: -1,
        lambda block, n: table[block][n],
        lambda block, n: table[block][n] >> 20,
    ):
        windows = Bench()
        _feed(windows, value, 2 * HOP_BLOCKS)
        assert windows.take()
        assert list(windows.means) == _means(value, 1)
        for n in range(SUMS):
            exact = _exact(value, 1, n) * (65536 if _plain(n) else 64) / WINDOW_WEIGHT
            assert abs(windows.means[n] - exact) <= 1, (n, windows.means[n], exact)


def test_nothing_to_take_before_the_second_hop_is_finished():
    windows = Bench()
    assert not windows.take()
    _feed(windows, lambda block, n: 1, 2 * HOP_BLOCKS - 1)
    assert not windows.take()
    _feed(windows, lambda block, n: 1, 1)
    assert windows.take() and not windows.take()


def test_the_loop_may_be_late_by_seven_hops():
    def value(block, n):
        return 1000 * block + n

    windows = Bench()
    _feed(windows, value, 2 * HOP_BLOCKS)
    assert windows.take()
    _feed(windows, value, 7 * HOP_BLOCKS, first=2 * HOP_BLOCKS)
    for hop in range(2, 9):
        assert windows.take(), hop
        assert list(windows.means) == _means(value, hop), hop
    assert not windows.take() and windows.lost == 0


def test_an_overrun_is_counted_and_the_next_window_is_whole_again():
    def value(block, n):
        return 1000 * block + n

    for late in (QUEUE, QUEUE + 1, 30):
        windows = Bench()
        _feed(windows, value, 2 * HOP_BLOCKS)
        assert windows.take() and windows.lost == 0
        _feed(windows, value, late * HOP_BLOCKS, first=2 * HOP_BLOCKS)
        assert not windows.take(), "what is left has no rising half"
        assert windows.lost >= late - 1
        hop = 2 + late
        _feed(windows, value, HOP_BLOCKS, first=hop * HOP_BLOCKS)
        assert windows.take()
        assert list(windows.means) == _means(value, hop)
        assert not windows.take()


def test_the_count_of_hops_wraps():
    windows, taken = Bench(), []
    windows.memory.words[HOPS] = 0x3FFFFFFD
    begin_hop(windows.memory.address)
    windows._taken = 0x3FFFFFFE
    _feed(windows, lambda block, n: block + n, 5 * HOP_BLOCKS, taken=taken)
    assert len(taken) == 4 and windows.hops == 3
    for hop in range(1, 5):
        assert taken[hop - 1] == _means(lambda block, n: block + n, hop)
    assert windows.lost == 0


def test_the_weights_are_a_raised_cosine_and_add_up_with_their_mirror():
    for k in range(HOP_BLOCKS):
        assert abs(RISING[k] - WEIGHT_TOP * math.sin(math.pi * (k + 0.5) / (2 * HOP_BLOCKS)) ** 2) <= 1
        assert RISING[k] + RISING[HOP_BLOCKS - 1 - k] == WEIGHT_TOP


def _ripple(hz):
    """Return the largest deviation of a window's mean square from the true one, as a part of it."""
    worst = 0.0
    for deg in range(0, 180, 45):
        windows = Bench()
        sums = [0] * SUMS
        for block in range(5 * HOP_BLOCKS):
            angles = [2 * math.pi * hz * (8 * block + k) / 3200 + math.radians(deg) for k in range(8)]
            sums[2] = int(round(sum([(2000 * math.sin(angle)) ** 2 for angle in angles])))
            windows.add(sums)
            while windows.take():
                worst = max(worst, abs(windows.means[2] / 64 / 2000000 - 1))
    return worst


def test_ripple_between_45_and_55_hz():
    for hz in (48.75, 45.0, 47.5, 50.0, 51.5, 55.0):
        # A pure raised cosine leaves 0.005 %; the rounding of the weights to whole numbers adds the rest.
        assert _ripple(hz) < 1e-4, (hz, _ripple(hz))


def test_window_lost_counts_every_window():
    windows = Bench()
    taken = []
    _feed(windows, lambda block, n: 1, 2 * HOP_BLOCKS, taken=taken)
    _feed(windows, lambda block, n: 1, 10 * HOP_BLOCKS)
    _feed(windows, lambda block, n: 1, 2 * HOP_BLOCKS, taken=taken)
    assert len(taken) + windows.lost == 13, (len(taken), windows.lost)


def test_a_slot_that_is_overwritten_while_it_is_read_is_not_taken():
    windows, taken = Bench(), []
    _feed(windows, lambda block, n: 1000, 2 * HOP_BLOCKS, taken=taken)
    _feed(windows, lambda block, n: 1000, 8 * HOP_BLOCKS - 1)  # seven hops wait, the eighth is nearly done
    finish = window._finish

    def interrupted(*words):
        """The interrupt finishes a hop while the loop reads."""
        window._finish = finish
        finish(*words)
        _feed(windows, lambda block, n: 1000, 1)

    window._finish = interrupted
    try:
        assert not windows.take()
    finally:
        window._finish = finish
    _feed(windows, lambda block, n: 1000, HOP_BLOCKS, taken=taken)
    assert len(taken) == 2 and windows.lost == 8
    for means in taken:
        assert means == [0 if _plain(n) else 8000 for n in range(SUMS)], means

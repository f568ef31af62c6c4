"""The measuring windows: exact sums, ranges at the bound, no sample twice or never, overrun, ripple."""

import math
from array import array

from firmware.measure.kernel import SUMS
from firmware.measure.window import HOP_BLOCKS, QUEUE, SLOT_WORDS, WEIGHT_TOP, WINDOW_WEIGHT, Windows
from host_tests.unit.waves import Random

BOUND = 1 << 25  # of a product sum (kernel.py)
RISING = list(Windows()._weights)


def _feed(windows, value, blocks, first=0, taken=None):
    """Feed `value(block)` into every sum; sum n gets it plus n, as far as the bound allows."""
    sums = array("i", [0] * SUMS)
    for block in range(first, first + blocks):
        for n in range(SUMS):
            sums[n] = value(block, n)
        windows.add(sums)
        if taken is not None:
            while windows.take():
                taken.append(list(windows.totals))


def _exact(value, hop, n):
    """Return the window that ends with `hop`, in unbounded integers."""
    total = 0
    for k in range(HOP_BLOCKS):
        total += RISING[k] * value((hop - 1) * HOP_BLOCKS + k, n)
        total += (WEIGHT_TOP - RISING[k]) * value(hop * HOP_BLOCKS + k, n)
    return total


def _check_exact(value, hops=4):
    windows, taken = Windows(), []
    _feed(windows, value, hops * HOP_BLOCKS, taken=taken)
    assert len(taken) == hops - 1
    for hop in range(1, hops):
        for n in range(SUMS):
            assert taken[hop - 1][n] == _exact(value, hop, n), (hop, n)


def test_windows_are_exact_for_random_sums():
    random = Random(31)
    table = [[random.below(2 * BOUND + 1) - BOUND for _ in range(SUMS)] for _ in range(4 * HOP_BLOCKS)]
    _check_exact(lambda block, n: table[block][n])


def test_windows_are_exact_at_the_bound():
    _check_exact(lambda block, n: BOUND)
    _check_exact(lambda block, n: -BOUND)
    _check_exact(lambda block, n: BOUND if (block + n) % 2 else -BOUND)
    _check_exact(lambda block, n: 0)


def test_every_word_fits_32_bits_at_the_bound():
    """The words are compared with unbounded arithmetic: on a 64-bit host a wrap would show here only."""
    for s in (BOUND, BOUND - 1, -BOUND, 1 - BOUND, 0, -1):
        windows = Windows()
        sums = array("i", [s] * SUMS)
        plain = high = low = 0
        for k in range(HOP_BLOCKS):
            biased = s + (1 << 26)
            assert 0 <= biased < 1 << 27
            plain += s
            high += (biased >> 12) * RISING[k]
            low += (biased & 4095) * RISING[k]
            windows.add(sums)
            for n in (0, SUMS - 1):
                words = (windows._queue[n], windows._queue[n + 42], windows._queue[n + 84])
                assert words == (plain, high, low), (s, k)
            for word in (plain, high, low):
                assert -(1 << 31) <= word < 1 << 31
        assert abs(plain) <= 40 * BOUND < 1 << 31
        assert high <= 170000000 and low <= 21000000, "as the docstring says"
    assert sum(RISING) == 5100 and (BOUND + (1 << 26)) >> 12 < 1 << 15


def test_a_slot_is_clean_when_it_comes_round_again():
    _check_exact(lambda block, n: (block // HOP_BLOCKS + 1) * 1000 - n, 3 * QUEUE)


def test_neighbouring_windows_weigh_every_sample_alike():
    random = Random(32)
    blocks = 6 * HOP_BLOCKS
    table = [random.below(2 * BOUND + 1) - BOUND for _ in range(blocks)]
    windows, taken = Windows(), []
    _feed(windows, lambda block, n: table[block], blocks, taken=taken)
    whole = sum([totals[0] for totals in taken])
    # The first hop only rises and the last only falls; in between every block counts 255 times.
    edges = sum([(WEIGHT_TOP - RISING[k]) * table[k] for k in range(HOP_BLOCKS)])
    edges += sum([RISING[k] * table[blocks - HOP_BLOCKS + k] for k in range(HOP_BLOCKS)])
    assert whole == WEIGHT_TOP * sum(table) - edges


def test_the_weight_of_a_window():
    windows, taken = Windows(), []
    _feed(windows, lambda block, n: 8, 2 * HOP_BLOCKS, taken=taken)
    assert taken[0] == [WINDOW_WEIGHT] * SUMS, "eight ones a block: the mean is one"


def test_nothing_to_take_before_the_second_hop_is_finished():
    windows = Windows()
    assert not windows.take()
    _feed(windows, lambda block, n: 1, 2 * HOP_BLOCKS - 1)
    assert not windows.take()
    _feed(windows, lambda block, n: 1, 1)
    assert windows.take() and not windows.take()


def test_the_loop_may_be_late_by_seven_hops():
    def value(block, n):
        return 1000 * block + n

    windows = Windows()
    _feed(windows, value, 2 * HOP_BLOCKS)
    assert windows.take()
    _feed(windows, value, 7 * HOP_BLOCKS, first=2 * HOP_BLOCKS)
    for hop in range(2, 9):
        assert windows.take(), hop
        assert windows.totals[5] == _exact(value, hop, 5), hop
    assert not windows.take() and windows.lost == 0


def test_an_overrun_is_counted_and_the_next_window_is_whole_again():
    def value(block, n):
        return 1000 * block + n

    for late in (QUEUE, QUEUE + 1, 30):
        windows = Windows()
        _feed(windows, value, 2 * HOP_BLOCKS)
        assert windows.take() and windows.lost == 0
        _feed(windows, value, late * HOP_BLOCKS, first=2 * HOP_BLOCKS)
        assert not windows.take(), "what is left has no rising half"
        assert windows.lost >= late - 1
        hop = 2 + late
        _feed(windows, value, HOP_BLOCKS, first=hop * HOP_BLOCKS)
        assert windows.take()
        assert [windows.totals[n] for n in range(SUMS)] == [_exact(value, hop, n) for n in range(SUMS)]
        assert not windows.take()


def test_the_count_of_hops_wraps():
    windows, taken = Windows(), []
    windows.hops = windows._taken = 0x3FFFFFFE
    _feed(windows, lambda block, n: block + n, 5 * HOP_BLOCKS, taken=taken)
    assert len(taken) == 4 and windows.hops == 3
    for hop in range(1, 5):
        assert taken[hop - 1][7] == _exact(lambda block, n: block + n, hop, 7)
    assert windows.lost == 0


def test_the_weights_are_a_raised_cosine_and_add_up_with_their_mirror():
    for k in range(HOP_BLOCKS):
        assert abs(RISING[k] - WEIGHT_TOP * math.sin(math.pi * (k + 0.5) / (2 * HOP_BLOCKS)) ** 2) <= 1
        assert RISING[k] + RISING[HOP_BLOCKS - 1 - k] == WEIGHT_TOP


def _ripple(hz):
    """Return the largest deviation of a window's mean square from the true one, as a part of it."""
    worst = 0.0
    for deg in range(0, 180, 45):
        windows = Windows()
        sums = array("i", [0] * SUMS)
        for block in range(5 * HOP_BLOCKS):
            angles = [2 * math.pi * hz * (8 * block + k) / 3200 + math.radians(deg) for k in range(8)]
            sums[2] = int(round(sum([(2000 * math.sin(angle)) ** 2 for angle in angles])))
            windows.add(sums)
            while windows.take():
                worst = max(worst, abs(windows.totals[2] / WINDOW_WEIGHT / 2000000 - 1))
    return worst


def test_ripple_between_45_and_55_hz():
    for hz in (48.75, 45.0, 47.5, 50.0, 51.5, 55.0):
        # A pure raised cosine leaves 0.005 %; the rounding of the weights to whole numbers adds the rest.
        assert _ripple(hz) < 1e-4, (hz, _ripple(hz))


def test_the_queue_has_room_for_all_slots():
    windows = Windows()
    assert len(windows._queue) == QUEUE * SLOT_WORDS and SLOT_WORDS == 3 * SUMS


def test_window_lost_counts_every_window():
    windows = Windows()
    taken = []
    _feed(windows, lambda block, n: 1, 2 * HOP_BLOCKS, taken=taken)
    _feed(windows, lambda block, n: 1, 10 * HOP_BLOCKS)
    _feed(windows, lambda block, n: 1, 2 * HOP_BLOCKS, taken=taken)
    assert len(taken) + windows.lost == 13, (len(taken), windows.lost)


def test_window_a_slot_overwritten_while_it_is_read():
    class Torn:
        """The queue; the interrupt finishes a hop in the middle of the loop's reading."""

        def __init__(self, queue, windows):
            self.queue, self.windows, self.reads = queue, windows, 0

        def __getitem__(self, at):
            self.reads += 1
            if self.reads == 60:
                self.windows._queue = self.queue
                _feed(self.windows, lambda block, n: 1000, 1)
            return self.queue[at]

    windows, taken = Windows(), []
    _feed(windows, lambda block, n: 1000, 2 * HOP_BLOCKS, taken=taken)
    _feed(windows, lambda block, n: 1000, 8 * HOP_BLOCKS - 1)  # seven hops wait, the eighth is nearly done
    windows._queue = Torn(windows._queue, windows)
    while windows.take():
        taken.append(list(windows.totals))
    for totals in taken:
        assert totals == [255 * 40 * 1000] * 42, totals

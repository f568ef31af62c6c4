"""The fast detector: rows of missing samples, its neutral zone, and equality with a plain reference."""

import math

from firmware.measure.compare import compare_cycle
from host_tests.unit.waves import Random
from host_tests.unit.working import (
    NEUTRAL,
    REST,
    ROW,
    ROW_REFERENCES,
    ROW_SAMPLES,
    ROW_TOP,
    place_block,
    with_ring,
)

QUIET = 147
ROW_FULL = 8  # as in watch.py
BLOCKS = 24  # a ring of three cycles
PEAK = 1665


class Detector:
    """The firmware's detector on a ring, one call a block."""

    def __init__(self, rest=2048):
        self.memory, self.ring = with_ring(BLOCKS)
        self.words = self.memory.words
        self.rest = rest
        for at in range(64 * BLOCKS):
            self.ring.a[at] = rest
        for phase in range(3):
            self.words[REST + phase] = rest
            self.words[NEUTRAL + phase] = QUIET * QUIET
        self.number = 0

    def block(self, rows):
        """`rows[phase]` holds the eight samples, relative to the rest; return the longest row after them."""
        at = self.number % BLOCKS
        for phase in range(3):
            for scan in range(8):
                self.ring.a[64 * at + 8 * scan + phase] = self.rest + rows[phase][scan]
        place_block(self.memory, at, 0, (at + BLOCKS - 8) % BLOCKS)
        self.number += 1
        compare_cycle(self.memory.address)
        return max(self.words[ROW : ROW + 3])

    def state(self):
        places = (ROW, ROW_SAMPLES, ROW_REFERENCES)
        return [self.words[place + phase] for place in places for phase in range(3)]


class Plain:
    """The same in plain words: every sample of every phase, one after the other."""

    def __init__(self):
        self.past = [[[0] * 8 for _ in range(8)] for _ in range(3)]
        self.rows = [[0, 0, 0] for _ in range(3)]

    def block(self, rows):
        for phase in range(3):
            reference = self.past[phase].pop(0)
            self.past[phase].append(list(rows[phase]))
            row = self.rows[phase]
            for now, before in zip(rows[phase], reference):
                if abs(before) < QUIET:
                    continue
                if abs(now) * 4 < abs(before):
                    row[0] += 1
                    row[1] += abs(now)
                    row[2] += abs(before)
                else:
                    row[0] = row[1] = row[2] = 0
            if row[0] > 255:
                row[0], row[1], row[2] = 255, 0, 0
        return max([row[0] for row in self.rows])

    def state(self):
        return [self.rows[phase][place] for place in range(3) for phase in range(3)]


def _sine(n, phase=0, peak=PEAK, shift=0.0):
    return int(peak * math.sin(2 * math.pi * (n / 64 - phase / 3) + shift))


def _blocks(blocks, value, detector=None):
    """Feed `value(n, phase)`, n the running sample; return the detector and its longest row."""
    detector = detector or Detector()
    longest = 0
    for _ in range(blocks):
        first = detector.number * 8
        rows = [[value(first + k, phase) for k in range(8)] for phase in range(3)]
        longest = max(longest, detector.block(rows))
    return detector, longest


def test_equal_to_the_plain_reference_on_random_data():
    random = Random(11)
    found = 0
    for peak, quiet_part in ((2000, 3), (400, 3), (2000, 10), (300, 2)):
        detector, plain = Detector(), Plain()
        for number in range(500):
            rows = []
            calm = random.below(4)  # runs of small samples, so that rows of every length come up
            for _ in range(3):
                small = calm == 0 or random.below(quiet_part) == 0
                rows.append(
                    [random.below((40 if small else peak)) - (20 if small else peak // 2) for _ in range(8)]
                )
            assert detector.block(rows) == plain.block(rows), number
            assert detector.state() == plain.state(), number
            found += max(detector.state()[:3]) >= ROW_FULL
    assert found > 20, "the data never made a full row"


def test_equal_to_the_plain_reference_on_every_gap_of_a_sine():
    for start in range(64):
        for length in (4, 5, 7, 8, 9, 12, 20):
            detector, plain = Detector(), Plain()
            begin = 128 + start
            for number in range(22):
                rows = []
                for phase in range(3):
                    samples = range(number * 8, number * 8 + 8)
                    gone = [phase == 1 and begin <= n < begin + length for n in samples]
                    rows.append([0 if g else _sine(n, phase) for g, n in zip(gone, samples)])
                detector.block(rows)
                plain.block(rows)
                assert detector.state() == plain.state(), (start, length, number)


def test_a_sound_sine_makes_no_row():
    detector, longest = _blocks(24, _sine)
    assert longest == 0 and detector.state() == [0] * 9


def test_a_notch_of_five_samples_never_makes_a_full_row():
    for start in range(64):
        _, longest = _blocks(28, lambda n, p, at=128 + start: 0 if at <= n < at + 5 else _sine(n, p))
        assert longest < ROW_FULL, start


def test_a_fall_to_zero_is_a_full_row_within_ten_samples_at_every_angle():
    slowest = 0
    for start in range(64):
        detector, _ = _blocks(16, lambda n, p, at=128 + start: 0 if n >= at and p == 0 else _sine(n, p))
        begin = 128 + start
        while detector.state()[0] < ROW_FULL:
            _blocks(1, lambda n, p, at=begin: 0 if n >= at and p == 0 else _sine(n, p), detector)
            assert detector.number * 8 - begin < 30
        slowest = max(slowest, detector.number * 8 - begin)
        assert detector.state()[1] == detector.state()[2] == 0, "the other phases are sound"
    assert slowest <= 18, "ten samples and the rest of a block"


def test_eight_missing_samples_in_a_row_are_enough_and_seven_are_not():
    for length, full in ((7, False), (8, True)):
        detector = Detector()
        for _ in range(8):
            detector.block([[1000] * 8] * 3)
        rows = [1000] * (16 - 3 - length) + [0] * length + [10] * 3
        for phase in range(3):  # the last three fall into the neutral zone
            for scan in range(5, 8):
                detector.ring.a[64 + 8 * scan + phase] = 2048
        longest = max(detector.block([rows[:8]] * 3), detector.block([rows[8:]] * 3))
        assert (longest >= ROW_FULL) == full and longest == length


def test_a_quarter_of_the_reference_is_missing_below_not_at():
    for now, missing in ((250, False), (-250, False), (249, True), (-249, True)):
        detector = Detector()
        for _ in range(8):
            detector.block([[1000] * 8] * 3)
        detector.block([[now] * 8] * 3)
        assert (detector.state()[0] == 8) == missing, now
        if missing:
            assert detector.state()[3] == 8 * 249 and detector.state()[6] == 8000


def test_a_sample_at_a_quarter_ends_a_row():
    for now, row in ((249, 9), (250, 0)):
        detector = Detector()
        for _ in range(8):
            detector.block([[1000] * 8] * 3)
        detector.words[ROW] = 1
        detector.block([[now] * 8] * 3)
        assert detector.state()[0] == row, now


def test_the_neutral_zone_neither_counts_nor_breaks():
    for reference, counts in ((QUIET, True), (-QUIET, True), (QUIET - 1, False), (1 - QUIET, False)):
        detector = Detector()
        for _ in range(7):
            detector.block([[1000] * 8] * 3)
        detector.block([[reference] * 4 + [1000] * 4] * 3)
        for _ in range(7):
            detector.block([[1000] * 8] * 3)
        detector.words[ROW] = 2
        detector.block([[0] * 8] * 3)
        assert detector.state()[0] == (10 if counts else 6)


def test_a_sound_sample_in_the_neutral_zone_does_not_save_the_row():
    detector = Detector()
    for _ in range(7):
        detector.block([[1000] * 8] * 3)
    detector.block([[10] * 8] * 3)
    for _ in range(7):
        detector.block([[1000] * 8] * 3)
    detector.words[ROW] = 5
    detector.block([[1000] * 8] * 3)
    assert detector.state()[0] == 5


def test_the_offset_of_the_inputs_is_taken_out():
    detector = Detector(rest=2300)
    _blocks(24, lambda n, p: _sine(n, p, peak=1500), detector)
    assert detector.state() == [0] * 9
    for _ in range(2):
        detector.block([[0] * 8] * 3)
    assert max(detector.state()[:3]) >= ROW_FULL


def test_a_very_long_row_is_cut_off():
    detector = Detector()
    for _ in range(8):
        detector.block([[2000] * 8] * 3)
    for _ in range(60):  # the reference is set anew, as if it never faded
        at = detector.number % BLOCKS
        before = (at + BLOCKS - 8) % BLOCKS
        for k in range(64):
            detector.ring.a[64 * before + k] = 4048
        detector.block([[0] * 8] * 3)
    assert detector.state() == [ROW_TOP] * 3 + [0] * 6 and ROW_TOP == 255

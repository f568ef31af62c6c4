"""The first look at a block: what is called sound, and that a full judgement would have said the same."""

import math

from firmware.acquire.calibration import Calibration
from firmware.measure.compare import compare_cycle
from firmware.measure.kernel import sum_block
from firmware.measure.levels import Levels
from firmware.measure.look import look
from firmware.store.settings import defaults
from firmware.supervise.watch import Watch
from host_tests.unit.waves import Random
from host_tests.unit.working import (
    GOOD_BLOCKS,
    HISTORY,
    LIMIT_DIP,
    NEUTRAL,
    ROW,
    SOUND_HIGH,
    SOUND_LOW,
    UNSETTLED,
    place_block,
    with_ring,
)

PEAK = 1665  # of 230 V


class Stage:
    """Samples in, block by block; `sine` makes a sound grid."""

    def __init__(self, phases=3, thorough=False, **settings):
        self.memory, self.ring = with_ring(16)
        self.words = self.memory.words
        self.levels = Levels(self.memory)
        self.watch = Watch(self.memory, phases)
        values = defaults()
        values.update(settings)
        self.watch.set_limits(values, Calibration())
        self.thorough = thorough  # judge every block, however it looks
        self.number = 0

    def block(self, value):
        """Take a block of `value(n, phase)`; return what the look says."""
        at = self.number % 16
        for scan in range(8):
            for phase in range(3):
                code = 2048 + value(8 * self.number + scan, phase)
                self.ring.a[64 * at + 8 * scan + phase] = max(0, min(4095, code))
        place_block(self.memory, at, (at - 2) % 16, (at - 8) % 16, self.number)
        self.number += 1
        if self.thorough:
            self.words[UNSETTLED] = 1
        sum_block(128 * at, self.memory.address)
        unsound = look(self.memory.address)
        if unsound:
            compare_cycle(self.memory.address)
            self.watch.judge(1)
        return unsound

    def settle(self, value):
        for _ in range(24):
            self.block(value)
        return self

    def state(self):
        return list(self.words[GOOD_BLOCKS : GOOD_BLOCKS + 1]) + list(self.words[66:142])


def sine(n, phase, peak=PEAK):
    return int(peak * math.sin(2 * math.pi * (n / 64 - phase / 3)))


def test_a_sound_grid_is_counted_and_needs_no_judgement():
    stage = Stage().settle(sine)
    good = stage.watch.good_blocks
    for n in range(50):
        assert stage.block(sine) == 0
        assert stage.watch.good_blocks == good + n + 1


def test_the_count_of_good_blocks_stops():
    stage = Stage().settle(sine)
    stage.words[GOOD_BLOCKS] = 0x3FFFFFE
    assert [stage.block(sine) for _ in range(3)] == [0, 0, 0]
    assert stage.watch.good_blocks == 0x3FFFFFF


def test_each_thing_that_is_not_sound_is_seen_on_each_phase():
    def gone(n, phase):
        return 0 if phase == bad else sine(n, phase)

    def low(n, phase):  # below 195.5 V, above 184 V
        return sine(n, phase, PEAK * 190 // 230 if phase == bad else PEAK)

    def high(n, phase):
        return sine(n, phase, PEAK * 258 // 230 if phase == bad else PEAK)

    def half(n, phase):
        return sine(n, phase, PEAK * 2 // 5 if phase == bad else PEAK)

    for bad in range(3):
        for value, blocks in ((gone, 1), (low, 6), (high, 6), (half, 4)):
            stage = Stage().settle(sine)
            while stage.number % 8 != (3 * bad + 2) % 8:  # the phase is well away from its zero crossing
                assert stage.block(sine) == 0
            answers = [stage.block(value) for _ in range(blocks)]
            assert answers[-1] == 1, (bad, value, answers)


def test_a_quarter_of_the_reference_at_the_end_of_a_block_is_sound_and_less_is_not():
    for phase in range(3):
        stage = Stage().settle(sine)
        while abs(sine(8 * stage.number + 7, phase)) < 600:
            stage.block(sine)
        number = stage.number
        quarter = (abs(sine(8 * number + 7, phase)) + 3) // 4
        for left, answer in ((quarter, 0), (-quarter, 0), (quarter - 1, 1), (1 - quarter, 1)):
            last = (8 * number + 7, phase, left)
            stage = Stage().settle(sine)
            while stage.number < number:
                stage.block(sine)
            assert (
                stage.block(lambda n, p, last=last: last[2] if (n, p) == last[:2] else sine(n, p)) == answer
            )


def test_a_reference_in_the_neutral_zone_is_no_proof():
    for phase in range(3):
        stage = Stage().settle(sine)
        while stage.number % 8 != (3 * phase + 2) % 8:
            stage.block(sine)
        kept = stage.words[NEUTRAL + phase]
        reference = sine(8 * stage.number + 7, phase)
        stage.words[NEUTRAL + phase] = reference * reference + 1
        assert stage.block(sine) == 1
        stage.words[NEUTRAL + phase] = kept


def test_a_half_cycle_below_the_dip_limit_is_not_sound_though_the_level_is():
    for phase, block in ((0, 0), (1, 3), (2, 5)):  # the phase passes through zero there
        stage = Stage().settle(sine)
        while stage.number % 8 != block:
            assert stage.block(sine) == 0
        for back, part in ((1, 0), (2, 0), (3, 0), (4, 3), (5, 3)):
            at = HISTORY + 48 * phase + (stage.number - back) % 8
            stage.words[at] = stage.words[at + 8] = part * 8 * 1177 * 1177  # 1177 counts are 230 V
        assert stage.block(sine) == 1
        assert stage.words[SOUND_LOW + phase] <= stage.levels.level[phase] <= stage.words[SOUND_HIGH + phase]
        assert stage.levels.half[phase] < stage.words[LIMIT_DIP + phase]
        assert stage.watch.bad()[1] == phase + 1


def test_an_absent_phase_is_not_looked_at():
    stage = Stage(phases=1).settle(lambda n, phase: sine(n, 0) if phase == 0 else 0)
    assert stage.block(lambda n, phase: sine(n, 0) if phase == 0 else 400 * (n % 3 - 1)) == 0
    assert stage.block(lambda n, phase: 0) == 1


def test_a_running_row_is_not_sound():
    stage = Stage().settle(sine)
    for phase in range(3):
        stage.words[ROW + phase] = 1
        assert stage.block(sine) == 1 and stage.words[ROW + phase] == 0
        assert stage.block(sine) == 0


def test_what_is_unsettled_is_judged_until_it_is_settled():
    stage = Stage().settle(sine)
    stage.words[UNSETTLED] = 1
    assert stage.block(sine) == 1 and stage.block(sine) == 0
    for _ in range(16):
        stage.block(lambda n, phase: sine(n, phase, PEAK * 175 // 230))
    assert stage.words[UNSETTLED] != 0, "a confirmation is running"
    answers = [stage.block(sine) for _ in range(12)]
    assert answers[0] == 1 and answers[-1] == 0


def test_the_answer_is_one_bit():
    """Made an object, anything from 2^30 on would be one on the heap of the board."""
    random = Random(8)
    stage = Stage()
    answers = set()
    for _ in range(200):
        answers.add(stage.block(lambda n, phase: 4095 * random.below(2) - 2048))
    stage.settle(sine)
    answers.add(stage.block(sine))
    assert answers == {0, 1}


def test_judging_every_block_would_say_the_same():
    random = Random(9)
    for phases in (3, 1):
        for settings in ({}, {"undervoltage_dv": 1900, "return_low_dv": 1910, "overvoltage_dv": 2540}):
            quick = Stage(phases, **settings)
            thorough = Stage(phases, thorough=True, **settings)
            quiet = 0
            for _turn in range(60):
                peaks = [PEAK] * 3
                if random.below(2):
                    peaks[random.below(3)] = random.below(2000)
                noise = 1 + random.below(3)
                for _ in range(1 + random.below(30)):
                    rows = [
                        [sine(n, phase, peaks[phase]) + random.below(noise) for phase in range(3)]
                        for n in range(8 * quick.number, 8 * quick.number + 8)
                    ]
                    quiet += quick.block(lambda n, phase, rows=rows: rows[n % 8][phase]) == 0
                    assert thorough.block(lambda n, phase, rows=rows: rows[n % 8][phase]) == 1
                    if phases == 3:
                        assert quick.state() == thorough.state(), quick.number
                    assert quick.watch.bad() == thorough.watch.bad()
                    assert quick.watch.good_blocks == thorough.watch.good_blocks
            assert quiet > 100

"""The judgement of the grid voltages: limits, confirmation to the block, reasons, one trip per arming."""

from firmware.acquire.calibration import Calibration
from firmware.measure.levels import Levels
from firmware.measure.memory import Memory
from firmware.signals import (
    DEEP_DIP,
    GRID_OK,
    INTERRUPTION,
    OVERVOLTAGE,
    PHASE_LOSS,
    REASON_NAMES,
    UNDERVOLTAGE,
)
from firmware.store.settings import defaults
from firmware.supervise.watch import DIP_UN, INTERRUPTION_UN, NOMINAL_V, Watch, mean_square
from host_tests.unit.waves import Random
from host_tests.unit.working import (
    ARMED,
    BAD,
    GOOD_BLOCKS,
    HISTORY,
    LIMIT_DIP,
    NEUTRAL,
    OVER,
    ROW,
    ROW_REFERENCES,
    ROW_SAMPLES,
    SOUND_HIGH,
    SOUND_LOW,
    TRIP_PHASE,
    UNDER,
    UNSETTLED,
)

GAIN = Calibration().gain[0]
CONFIRM = 40  # blocks in 100 ms


class Stage:
    """A watch whose levels are set in volts per phase."""

    def __init__(self, phases=3, calibration=None, **settings):
        memory = Memory()
        levels = Levels(memory)
        self.half = levels.half
        self.level = levels.level
        self.words = memory.words
        self.watch = Watch(memory, phases)
        self.calibration = calibration or Calibration()
        self.settings = defaults()
        self.settings.update(settings)
        self.watch.set_limits(self.settings, self.calibration)
        for phase in range(3):
            self.volts(phase, 230.0)

    def volts(self, phase, volts, quick=None):
        """Set the level, and the half cycle if it is to differ."""
        gain = self.calibration.gain[phase]
        self.level[phase] = mean_square(volts, gain, 64)
        self.half[phase] = mean_square(volts if quick is None else quick, gain, 32)

    def row(self, phase, count, samples=0, references=0):
        """Set the detector's row of missing samples."""
        self.words[ROW + phase] = count
        self.words[ROW_SAMPLES + phase] = samples
        self.words[ROW_REFERENCES + phase] = references

    def blocks(self, n):
        """Judge n blocks one by one; return how many of them tripped."""
        return sum([self.watch.judge(1) for _ in range(n)])

    def state(self):
        words = list(self.words[GOOD_BLOCKS : TRIP_PHASE + 1]) + list(self.words[UNDER : BAD + 3])
        return self.watch.bad(), self.watch.good_blocks, self.watch.trip_reason, self.watch.trip_phase, words


def test_the_reasons_are_those_of_the_signals():
    """The viper code writes literal numbers."""
    assert (INTERRUPTION, PHASE_LOSS, DEEP_DIP, UNDERVOLTAGE, OVERVOLTAGE) == (1, 2, 3, 4, 5)
    assert REASON_NAMES[1:6] == ("interruption", "phase_loss", "deep_dip", "undervoltage", "overvoltage")
    assert (DIP_UN, INTERRUPTION_UN, NOMINAL_V) == (0.45, 0.1, 230.0)


def test_a_mean_square_is_that_of_its_volts():
    assert mean_square(230.0, 0.5, 64) == 64 * 460**2
    assert mean_square(0.0, GAIN, 64) == 0


def test_a_good_grid_is_good_and_counts():
    stage = Stage()
    assert stage.blocks(100) == 0
    assert stage.watch.bad() == (GRID_OK, 0) and stage.watch.good_blocks == 100


def test_limits_confirm_at_exactly_forty_blocks():
    for phase in range(3):
        for volts, reason in ((183.9, UNDERVOLTAGE), (104.0, UNDERVOLTAGE), (264.6, OVERVOLTAGE)):
            stage = Stage()
            stage.volts(phase, volts)
            stage.blocks(CONFIRM - 1)
            assert stage.watch.bad() == (GRID_OK, 0), (phase, volts)
            stage.blocks(1)
            assert stage.watch.bad() == (reason, phase + 1), (phase, volts)


def test_the_confirmation_time_is_a_setting():
    for ms, blocks in ((90, 36), (100, 40), (500, 200)):
        stage = Stage(confirm_ms=ms)
        stage.volts(0, 270.0)
        stage.blocks(blocks - 1)
        assert stage.watch.bad() == (GRID_OK, 0), ms
        stage.blocks(1)
        assert stage.watch.bad() == (OVERVOLTAGE, 1), ms


def test_the_limits_themselves_are_still_good():
    stage = Stage()
    for value, add, reason in ((1840, 0, 0), (1840, -1, UNDERVOLTAGE), (2645, 0, 0), (2645, 1, OVERVOLTAGE)):
        stage.level[1] = mean_square(value / 10, GAIN, 64) + add
        stage.blocks(CONFIRM + 1)
        assert stage.watch.bad()[0] == reason, (value, add)


def test_limits_are_settings_and_follow_the_calibration_of_each_phase():
    calibration = Calibration()
    calibration.set("V2", gain=GAIN * 0.95)
    stage = Stage(calibration=calibration, undervoltage_dv=2000, overvoltage_dv=2500, return_high_dv=2450)
    for phase in range(3):
        for volts, reason in ((199.9, UNDERVOLTAGE), (200.1, 0), (249.9, 0), (250.1, OVERVOLTAGE)):
            stage.volts(phase, volts)
            stage.blocks(CONFIRM)
            assert stage.watch.bad()[0] == reason, (phase, volts)
        stage.volts(phase, 230.0)


def test_one_block_inside_the_limits_starts_the_confirmation_anew():
    stage = Stage()
    for volts in (180.0, 270.0):
        for _ in range(5):
            stage.volts(2, volts)
            stage.blocks(CONFIRM - 1)
            assert stage.watch.bad() == (GRID_OK, 0)
            stage.volts(2, 200.0)
            stage.blocks(1)
            assert stage.watch.bad() == (GRID_OK, 0)
    # From the one side straight to the other is not one violation.
    stage.volts(2, 180.0)
    stage.blocks(CONFIRM - 1)
    stage.volts(2, 270.0)
    stage.blocks(CONFIRM - 1)
    assert stage.watch.bad() == (GRID_OK, 0)
    stage.blocks(1)
    assert stage.watch.bad() == (OVERVOLTAGE, 3)


def test_the_return_band_is_narrower_and_resets_the_good_time():
    for volts, good in ((195.6, 1), (195.4, 0), (252.9, 1), (253.1, 0), (190.0, 0), (260.0, 0)):
        for phase in range(3):
            stage = Stage()
            stage.blocks(500)
            stage.volts(phase, volts)
            stage.blocks(1)
            assert stage.watch.good_blocks == (501 if good else 0), volts
            assert stage.watch.bad() == (GRID_OK, 0)


def test_a_bad_grid_is_never_good():
    stage = Stage()
    stage.row(1, 8, 0, 9000)  # the levels have not moved yet
    stage.blocks(3)
    assert stage.watch.bad()[1] == 2 and stage.watch.good_blocks == 0


def test_dips_and_interruptions_count_at_once():
    for quick, one, all_three in (
        (103.4, DEEP_DIP, DEEP_DIP),
        (24.0, DEEP_DIP, DEEP_DIP),
        (22.9, PHASE_LOSS, INTERRUPTION),
        (0.0, PHASE_LOSS, INTERRUPTION),
    ):
        for phase in range(3):
            stage = Stage()
            stage.volts(phase, 200.0, quick)
            stage.blocks(1)
            assert stage.watch.bad() == (one, phase + 1), (quick, phase)
        stage = Stage()
        for phase in range(3):
            stage.volts(phase, 200.0, quick)
        stage.blocks(1)
        assert stage.watch.bad() == (all_three, 1), quick
    stage = Stage()
    stage.volts(0, 200.0, 103.6)
    stage.blocks(CONFIRM)
    assert stage.watch.bad() == (GRID_OK, 0)


def test_the_limits_of_dip_interruption_and_return_band_to_the_count():
    for phase in range(3):
        for volts, below in ((103.5, PHASE_LOSS), (23.0, None)):
            stage = Stage()
            limit = mean_square(volts, GAIN, 32)
            stage.half[phase] = limit
            stage.blocks(1)
            at = stage.watch.bad()[0]
            stage.half[phase] = limit - 1
            stage.blocks(1)
            under = stage.watch.bad()[0]
            assert (at, under) == ((GRID_OK, DEEP_DIP) if below else (DEEP_DIP, PHASE_LOSS)), volts
        for volts, step in ((195.5, -1), (253.0, 1)):
            stage = Stage()
            stage.level[phase] = mean_square(volts, GAIN, 64)
            stage.blocks(1)
            assert stage.watch.good_blocks == 1, volts
            stage.level[phase] += step
            stage.blocks(1)
            assert stage.watch.good_blocks == 0, volts


def test_a_half_cycle_just_at_the_limit_is_not_on_its_way_down():
    for quick_less, reason in ((0, PHASE_LOSS), (1, INTERRUPTION)):
        stage = Stage()
        for phase in (1, 2):
            stage.half[phase] = mean_square(23.0, GAIN, 32) - quick_less
        stage.volts(0, 200.0, 0.0)
        stage.blocks(1)
        assert stage.watch.bad() == (reason, 1)


def test_two_phases_gone_is_a_phase_loss_of_the_first():
    stage = Stage()
    stage.volts(1, 100.0, 0.0)
    stage.volts(2, 100.0, 0.0)
    stage.blocks(1)
    assert stage.watch.bad() == (PHASE_LOSS, 2)


def test_a_full_row_counts_at_once_and_seven_samples_do_not():
    stage = Stage()
    stage.row(1, 7, 0, 9000)
    stage.blocks(100)
    assert stage.watch.bad() == (GRID_OK, 0)
    stage.row(1, 8, 0, 9000)
    stage.blocks(1)
    assert stage.watch.bad() == (PHASE_LOSS, 2)
    stage.row(1, 8, 9000 // 5, 9000)  # a fifth of the voltage is left
    stage.blocks(1)
    assert stage.watch.bad() == (DEEP_DIP, 2)
    stage.row(1, 0)
    stage.blocks(1)
    assert stage.watch.bad() == (GRID_OK, 0)


def test_what_the_row_says_of_zero_wins_over_a_half_cycle_that_was_partly_sound():
    stage = Stage()
    stage.volts(0, 200.0, 80.0)
    stage.row(0, 12, 100, 9000)
    stage.blocks(1)
    assert stage.watch.bad() == (PHASE_LOSS, 1)
    stage.row(0, 12, 9000 // 4, 9000)
    stage.blocks(1)
    assert stage.watch.bad() == (DEEP_DIP, 1)
    stage.row(0, 7, 100, 9000)
    stage.blocks(1)
    assert stage.watch.bad() == (DEEP_DIP, 1)


def test_a_ninth_of_the_reference_divides_gone_from_dipped():
    for quick in (200.0, 80.0):  # with and without the half cycle below its limit
        for phase in range(3):
            for samples, reason in ((1000, PHASE_LOSS), (1001, DEEP_DIP)):
                for row in (8, 31):
                    stage = Stage()
                    stage.volts(phase, 200.0, quick)
                    stage.row(phase, row, samples, 9000)
                    stage.blocks(1)
                    assert stage.watch.bad() == (reason, phase + 1), (quick, samples, row)


def test_all_phases_gone_by_their_rows_is_an_interruption():
    for quick in (200.0, 80.0):
        stage = Stage()
        for phase in range(3):
            stage.volts(phase, 200.0, quick)
            stage.row(phase, 12, 0, 9000)
        stage.blocks(1)
        assert stage.watch.bad() == (INTERRUPTION, 1), quick


def test_half_a_cycle_into_the_row_the_half_cycle_speaks():
    """By then it holds nothing sound any more, and what it says is exact."""
    for row, reason in ((31, PHASE_LOSS), (32, DEEP_DIP), (255, DEEP_DIP)):
        stage = Stage()
        stage.volts(1, 200.0, 60.0)
        stage.row(1, row, 0, 9000)
        stage.blocks(1)
        assert stage.watch.bad() == (reason, 2), row


def test_phases_that_are_on_their_way_down_make_it_an_interruption():
    """Each phase reaches its full row a little later than the one before."""
    for others, reason in ((4, INTERRUPTION), (3, PHASE_LOSS)):
        stage = Stage()
        stage.row(0, 8, 0, 9000)
        stage.row(1, 4, 0, 5000)
        stage.row(2, others, 0, 5000)
        stage.blocks(1)
        assert stage.watch.bad() == (reason, 1)


def test_a_single_phase_board_judges_its_own_phase_only():
    stage = Stage(phases=1)
    stage.volts(1, 0.0)
    stage.volts(2, 400.0)
    stage.blocks(100)
    assert stage.watch.bad() == (GRID_OK, 0) and stage.watch.good_blocks == 100
    stage.volts(0, 200.0, 0.0)
    stage.blocks(1)
    assert stage.watch.bad() == (INTERRUPTION, 1), "the only phase is all of them"


def test_a_trip_happens_once_and_is_kept():
    stage = Stage()
    stage.watch.arm()
    assert stage.blocks(10) == 0
    stage.volts(2, 230.0, 50.0)
    assert stage.watch.judge(1) == 1
    assert (stage.watch.trip_reason, stage.watch.trip_phase) == (DEEP_DIP, 3)
    stage.volts(0, 0.0)
    assert stage.blocks(100) == 0, "not armed any more"
    assert (stage.watch.trip_reason, stage.watch.trip_phase) == (DEEP_DIP, 3)
    for phase in range(3):
        stage.volts(phase, 230.0)
    stage.blocks(5)
    assert (stage.watch.trip_reason, stage.watch.trip_phase) == (DEEP_DIP, 3), "kept when it is good again"
    stage.watch.arm()
    assert (stage.watch.trip_reason, stage.watch.trip_phase) == (0, 0)
    stage.volts(1, 0.0)
    assert stage.blocks(3) == 1
    assert (stage.watch.trip_reason, stage.watch.trip_phase) == (PHASE_LOSS, 2)


def test_unarmed_it_never_trips():
    stage = Stage()
    stage.volts(0, 0.0)
    assert stage.blocks(100) == 0 and stage.watch.trip_reason == 0
    stage.watch.arm()
    stage.watch.disarm()
    assert stage.blocks(100) == 0 and stage.watch.trip_reason == 0
    stage.watch.arm()
    assert stage.watch.judge(1) == 1, "armed onto a bad grid: at once"


def test_a_confirmed_limit_trips_at_its_block():
    for volts, reason in ((180.0, UNDERVOLTAGE), (270.0, OVERVOLTAGE)):
        stage = Stage()
        stage.watch.arm()
        stage.volts(0, volts)
        assert stage.blocks(CONFIRM - 1) == 0
        assert stage.watch.judge(1) == 1 and stage.watch.trip_reason == reason


def test_several_blocks_at_once_equal_as_many_single_ones():
    random = Random(21)
    one, many = Stage(), Stage()
    voltages = (0.0, 20.0, 60.0, 150.0, 183.0, 190.0, 230.0, 230.0, 230.0, 255.0, 266.0)
    for turn in range(400):
        for phase in range(3):
            volts = voltages[random.below(len(voltages))]
            row = (0, 0, 0, 4, 8)[random.below(5)]
            for stage in (one, many):
                stage.volts(phase, volts)
                stage.row(phase, row, 100, 9000)
        blocks = 1 + random.below(60)
        assert one.blocks(blocks) == many.watch.judge(blocks) == 0
        assert one.state() == many.state(), turn


def test_several_blocks_at_once_trip_as_single_ones_do():
    for volts in (0.0, 60.0, 180.0, 270.0, 230.0):
        for blocks in (1, CONFIRM - 1, CONFIRM, CONFIRM + 1):
            one, many = Stage(), Stage()
            for stage in (one, many):
                stage.watch.arm()
                stage.volts(1, volts)
            assert one.blocks(blocks) == many.watch.judge(blocks)
            assert one.state() == many.state(), (volts, blocks)
            assert one.words[ARMED] == many.words[ARMED]


def test_counters_saturate_below_the_small_integers():
    top = 0x3FFFFFF
    for phase in range(3):
        for volts, word in ((180.0, UNDER + phase), (270.0, OVER + phase), (230.0, GOOD_BLOCKS)):
            stage = Stage()
            stage.volts(phase, volts)
            for _ in range(3):
                stage.watch.judge(top)
            counters = list(stage.words[UNDER : OVER + 3]) + [stage.words[GOOD_BLOCKS]]
            assert stage.words[word] == top and sum(counters) == top, (phase, volts)


def test_the_neutral_zone_is_eight_percent_of_the_nominal_peak():
    calibration = Calibration()
    calibration.set("V3", gain=GAIN * 2)
    stage = Stage(calibration=calibration)
    assert list(stage.words[NEUTRAL : NEUTRAL + 3]) == [133 * 133, 133 * 133, 66 * 66]


def test_limits_of_the_widest_calibration_that_can_see_them_fit_32_bits():
    calibration = Calibration()
    for name in ("V1", "V2", "V3"):
        calibration.set(name, gain=0.94 * GAIN)
    stage = Stage(calibration=calibration, overvoltage_dv=2760)
    assert max(stage.words[LIMIT_DIP:ROW_SAMPLES]) < 1 << 28 and max(stage.words[BAD + 3 : HISTORY]) < 1 << 28


def test_it_says_whether_the_next_block_has_to_be_judged():
    stage = Stage()
    assert stage.words[UNSETTLED], "to begin with"
    stage.blocks(1)
    assert not stage.words[UNSETTLED]
    for phase in range(3):
        for volts, quick in ((180.0, 230.0), (270.0, 230.0), (230.0, 60.0), (230.0, 10.0)):
            stage.volts(phase, volts, quick)
            stage.blocks(1)
            assert stage.words[UNSETTLED], (phase, volts, quick)
            stage.volts(phase, 190.0)  # neither good nor bad: nothing is running
            stage.blocks(1)
            assert not stage.words[UNSETTLED]
        stage.volts(phase, 230.0)


def test_what_is_sound_lies_within_both_pairs_of_limits():
    for settings, low, high in (
        ({}, 195.5, 253.0),
        ({"undervoltage_dv": 2000, "overvoltage_dv": 2500}, 200.0, 250.0),
    ):
        stage = Stage(**settings)
        for phase in range(3):
            assert stage.words[SOUND_LOW + phase] == mean_square(low, GAIN, 64)
            assert stage.words[SOUND_HIGH + phase] == mean_square(high, GAIN, 64)

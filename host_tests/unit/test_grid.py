"""The grid supervisor: good, bad or neither; qualification, the wait for the return, restless, silence."""

from firmware.measure.frequency import RIGHT, UNKNOWN, WRONG
from firmware.signals import (
    DEEP_DIP,
    FREQUENCY,
    GRID_OK,
    NOT_MEASURED,
    OVERVOLTAGE,
    PHASE_SEQUENCE,
    UNDERVOLTAGE,
)
from firmware.store.settings import defaults
from firmware.supervise.grid import GridSupervisor

SETTINGS = defaults()


class _Watch:
    def __init__(self):
        self.answer = (GRID_OK, 0)
        self.good_blocks = 0

    def bad(self):
        return self.answer


class _Frequency:
    def __init__(self):
        self.mhz = 50000
        self.sequence = RIGHT


class _Meter:
    def __init__(self):
        self.frequency = _Frequency()


class Front:
    """A front end whose findings are told."""

    def __init__(self):
        self.blocks = 0
        self.watch = _Watch()
        self.meter = _Meter()


class Stage:
    """A supervisor that is stepped every 10 ms with four new blocks."""

    def __init__(self, **settings):
        self.settings = dict(SETTINGS)
        self.settings.update(settings)
        self.front = Front()
        self.grid = GridSupervisor(self.front)
        self.frequency = self.front.meter.frequency
        self.closed = False

    def run(self, ms, measured=True, good=True):
        for _ in range(ms // 10):
            if measured:
                self.front.blocks += 4
                self.front.watch.good_blocks = self.front.watch.good_blocks + 4 if good else 0
            self.grid.step(10, self.settings, self.closed)
        return self.grid.reason

    def bad(self, reason, phase, ms):
        self.front.watch.answer = (reason, phase)
        self.run(ms, good=False)
        self.front.watch.answer = (GRID_OK, 0)


def test_nothing_is_known_before_the_first_cycle_is_in():
    stage = Stage()
    assert stage.grid.bad and stage.grid.reason == NOT_MEASURED and not stage.grid.qualified
    stage.run(100, measured=False)
    assert stage.grid.reason == NOT_MEASURED
    stage.front.watch.answer = (DEEP_DIP, 1)  # the levels are still filling
    assert stage.run(10) == NOT_MEASURED
    stage.front.watch.answer = (GRID_OK, 0)
    assert stage.run(10) == GRID_OK and not stage.grid.bad


def test_qualified_after_the_qualification_time():
    for ms in (1000, 2000, 60000):
        stage = Stage(qualification_ms=ms)
        stage.run(20)
        stage.run(ms - stage.grid.good_ms - 10)
        assert stage.grid.good_ms == ms - 10 and not stage.grid.qualified, ms
        stage.run(10)
        assert stage.grid.good_ms == ms and stage.grid.qualified, ms


def test_a_break_starts_the_qualification_anew():
    stage = Stage()
    stage.run(1900)
    stage.run(10, good=False)  # left the return band for a moment, not bad
    assert stage.grid.good_ms == 0 and not stage.grid.bad
    stage.run(1900)
    assert not stage.grid.qualified
    stage.run(200)
    assert stage.grid.qualified
    stage.bad(OVERVOLTAGE, 2, 10)
    assert not stage.grid.qualified and stage.grid.good_ms == 0


def test_the_watch_is_believed_at_once():
    stage = Stage()
    stage.run(3000)
    stage.front.watch.answer = (UNDERVOLTAGE, 3)
    stage.run(10, good=False)
    assert (stage.grid.reason, stage.grid.phase, stage.grid.bad) == (UNDERVOLTAGE, 3, True)
    stage.front.watch.answer = (GRID_OK, 0)
    stage.run(10, good=False)
    assert (stage.grid.reason, stage.grid.phase) == (GRID_OK, 0)


def test_frequency_limits_are_confirmed():
    for hz, bad in ((47.49, True), (47.5, False), (51.5, False), (51.51, True), (45.0, True), (55.0, True)):
        stage = Stage()
        stage.run(3000)
        stage.frequency.mhz = int(round(hz * 1000))
        # The value is the mean of the 40 ms before it: 20 ms have passed when it is first seen.
        assert stage.run(70) == GRID_OK, hz
        stage.run(10)
        assert stage.grid.bad == bad, hz
        stage.run(20)
        assert stage.grid.bad == bad, hz
        if bad:
            assert (stage.grid.reason, stage.grid.phase) == (FREQUENCY, 0) and not stage.grid.qualified
            stage.frequency.mhz = 50000
            assert stage.run(10) == GRID_OK and stage.grid.good_ms <= 10


def test_one_good_cycle_breaks_the_confirmation_of_the_frequency():
    stage = Stage()
    stage.run(3000)
    for _ in range(10):
        stage.frequency.mhz = 47000
        assert stage.run(70) == GRID_OK
        stage.frequency.mhz = 48000
        assert stage.run(10) == GRID_OK


def test_the_return_band_of_the_frequency_is_narrower():
    for hz, good in ((47.55, False), (47.61, True), (51.39, True), (51.45, False)):
        stage = Stage()
        stage.frequency.mhz = int(round(hz * 1000))
        stage.run(5000)
        assert not stage.grid.bad and stage.grid.qualified == good, hz


def test_the_ends_of_the_return_band_belong_to_it():
    for hz, good in ((47.75, True), (51.25, True), (47.74, False), (51.26, False)):
        stage = Stage(return_frequency_low_chz=4775, return_frequency_high_chz=5125)
        stage.frequency.mhz = int(round(hz * 1000))
        stage.run(5000)
        assert stage.grid.qualified == good, hz


def test_frequency_limits_are_settings():
    stage = Stage(frequency_low_chz=4900, return_frequency_low_chz=4950, confirm_ms=500)
    stage.run(3000)
    stage.frequency.mhz = 48900
    assert stage.run(470) == GRID_OK
    assert stage.run(30) == FREQUENCY


def test_a_frequency_that_cannot_be_told_is_no_frequency_fault():
    stage = Stage()
    stage.run(3000)
    stage.frequency.mhz = 0
    assert stage.run(1000) == GRID_OK, "the voltage limits speak"
    assert stage.grid.good_ms == 0 and not stage.grid.qualified
    stage.frequency.mhz = 47000
    stage.run(50)
    stage.frequency.mhz = 0
    stage.run(10)
    stage.frequency.mhz = 47000
    assert stage.run(70) == GRID_OK


def test_the_voltage_reason_comes_before_the_frequency():
    stage = Stage()
    stage.frequency.mhz = 40000
    stage.run(1000)
    assert stage.grid.reason == FREQUENCY
    stage.front.watch.answer = (DEEP_DIP, 2)
    stage.run(10)
    assert (stage.grid.reason, stage.grid.phase) == (DEEP_DIP, 2)


def test_a_wrong_sequence_is_never_called_good():
    stage = Stage()
    stage.frequency.sequence = WRONG
    stage.run(10000)
    assert stage.grid.reason == PHASE_SEQUENCE and stage.grid.bad and not stage.grid.qualified
    stage.frequency.sequence = RIGHT
    assert stage.run(1000) == GRID_OK
    assert not stage.grid.qualified, "the time counts from now"
    stage.run(1100)
    assert stage.grid.qualified


def test_an_unknown_sequence_does_not_qualify():
    stage = Stage()
    stage.frequency.sequence = UNKNOWN
    assert stage.run(10000) == GRID_OK
    assert not stage.grid.qualified


def test_the_sequence_does_not_open_a_closed_contactor():
    stage = Stage()
    stage.run(3000)
    stage.closed = True
    stage.frequency.sequence = WRONG
    assert stage.run(1000) == GRID_OK
    stage.closed = False
    assert stage.run(10) == PHASE_SEQUENCE


def test_without_new_blocks_nothing_is_known():
    stage = Stage()
    stage.run(3000)
    assert stage.run(25, measured=False) == GRID_OK
    assert stage.run(10, measured=False) == NOT_MEASURED, "in time for K_GRID to be open after 50 ms"
    assert stage.grid.bad and not stage.grid.qualified and stage.grid.good_ms == 0
    assert stage.run(10) == GRID_OK
    assert not stage.grid.qualified, "the good blocks from before do not count"
    stage.run(1900)
    assert not stage.grid.qualified
    stage.run(200)
    assert stage.grid.qualified


def test_a_phase_that_cannot_be_measured_is_never_good():
    for blind, phase in ((1, 1), (2, 2), (4, 3), (3, 0), (6, 0), (7, 0)):
        stage = Stage()
        stage.run(3000)
        stage.grid.distrust(blind, 0)
        assert stage.run(10) == NOT_MEASURED and stage.grid.phase == phase
        assert stage.grid.bad and not stage.grid.qualified and stage.grid.good_ms == 0
        stage.front.watch.answer = (OVERVOLTAGE, 1)
        assert stage.run(10) == NOT_MEASURED, "what the watch makes of it counts for nothing"
        stage.front.watch.answer = (GRID_OK, 0)
        stage.grid.distrust(0, 0)
        assert stage.run(10) == GRID_OK


def test_a_phase_beyond_the_range_is_bad_by_its_voltage_or_not_measured():
    stage = Stage()
    stage.run(3000)
    stage.grid.distrust(0, 2)
    stage.front.watch.answer = (OVERVOLTAGE, 2)
    assert stage.run(10) == OVERVOLTAGE
    stage.front.watch.answer = (GRID_OK, 0)
    assert stage.run(10) == NOT_MEASURED and stage.grid.phase == 2 and not stage.grid.qualified


def test_the_wait_for_the_return_counts_down():
    stage = Stage()
    stage.run(20)
    assert 1900 < stage.grid.wait_ms(False, stage.settings) <= 2000
    stage.run(1000)
    wait_ms = stage.grid.wait_ms(False, stage.settings)
    assert 900 <= wait_ms <= 1000
    stage.run(2000)
    assert stage.grid.wait_ms(False, stage.settings) == 0
    delayed_ms = stage.grid.wait_ms(True, stage.settings)
    assert delayed_ms == 310000 - stage.grid.good_ms
    stage.run(10000)
    assert stage.grid.wait_ms(True, stage.settings) == delayed_ms - 10000
    stage.bad(UNDERVOLTAGE, 1, 10)
    assert stage.grid.wait_ms(True, stage.settings) == 310000, "counted anew if it fails meanwhile"


def test_the_delay_is_never_shorter_than_the_qualification():
    stage = Stage(return_delay_s=60, qualification_ms=60000)
    stage.settings["qualification_ms"] = 90000
    assert stage.grid.wait_ms(True, stage.settings) == 90000


def test_more_than_five_transfers_in_ten_minutes_are_restless():
    grid = GridSupervisor(Front())
    for n in range(5):
        grid.count_transfer(100 * n)
        assert not grid.restless(100 * n)
    grid.count_transfer(500)
    assert grid.restless(500) and grid.restless(599)
    assert not grid.restless(600), "the first of the six is ten minutes old"


def test_many_transfers_are_remembered_as_far_as_they_matter():
    grid = GridSupervisor(Front())
    for n in range(1000):
        grid.count_transfer(n)
    assert grid.restless(999) and grid.restless(994 + 599) and not grid.restless(994 + 600)
    assert len(grid._transfers) <= 6

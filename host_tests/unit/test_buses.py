"""Live, dead and usable: each phase of each node by its own channel and its own gain."""

from array import array

from firmware.acquire.calibration import Calibration
from firmware.store.settings import defaults
from firmware.supervise.buses import Buses
from firmware.supervise.watch import mean_square

GAIN = Calibration().gain[0]


class Stage:
    """Buses whose levels are set in volts by channel: V 0-2, U 3-5, B 6-8."""

    def __init__(self, calibration=None, **settings):
        self.level = array("i", [0] * 9)
        values = defaults()
        values.update(settings)
        self.buses = Buses(self.level)
        self.buses.set_limits(values, calibration or Calibration())

    def volts(self, channel, volts, gain=GAIN):
        self.level[channel] = mean_square(volts, gain, 64)


def test_each_question_reads_its_own_channel():
    for channel in range(9):
        stage = Stage()
        stage.volts(channel, 230.0)
        for phase in range(3):
            assert stage.buses.grid_live(phase) == (channel == phase)
            assert stage.buses.load_live(phase) == (channel == 3 + phase)
            assert stage.buses.load_dead(phase) == (channel != 3 + phase)
            assert stage.buses.backup_live(phase) == (channel == 6 + phase)
            assert stage.buses.backup_usable(phase) == (channel == 6 + phase)


def test_between_dead_and_live_is_neither():
    stage = Stage()
    for volts, dead, live in (
        (49.9, True, False),
        (50.1, False, False),
        (103.4, False, False),
        (103.6, False, True),
    ):
        for phase in range(3):
            stage.volts(3 + phase, volts)
            assert (stage.buses.load_dead(phase), stage.buses.load_live(phase)) == (dead, live), volts
            stage.volts(phase, volts)
            stage.volts(6 + phase, volts)
            assert stage.buses.grid_live(phase) == live == stage.buses.backup_live(phase), volts


def test_nothing_is_both_dead_and_live_at_any_setting():
    for dead_dv in (100, 500, 1000):
        stage = Stage(dead_bus_dv=dead_dv)
        for volts in range(300):
            stage.volts(4, float(volts))
            assert not (stage.buses.load_dead(1) and stage.buses.load_live(1)), (dead_dv, volts)
            assert stage.buses.load_dead(1) == (volts * 10 < dead_dv), (dead_dv, volts)


def test_the_band_of_the_backup_output():
    stage = Stage()
    for volts, usable in ((195.4, False), (195.5, True), (230.0, True), (253.0, True), (253.1, False)):
        for phase in range(3):
            stage.volts(6 + phase, volts)
            assert stage.buses.backup_usable(phase) == usable, volts
    stage = Stage(backup_low_dv=2100, backup_high_dv=2400)
    for volts, usable in ((209.9, False), (210.1, True), (239.9, True), (240.1, False)):
        stage.volts(7, volts)
        assert stage.buses.backup_usable(1) == usable, volts


def test_each_channel_has_its_own_gain():
    calibration = Calibration()
    calibration.set("U2", gain=2 * GAIN)
    calibration.set("B3", gain=1.5 * GAIN)
    stage = Stage(calibration)
    stage.volts(4, 49.0, 2 * GAIN)
    assert stage.buses.load_dead(1)
    stage.volts(4, 110.0, 2 * GAIN)
    assert stage.buses.load_live(1)
    stage.volts(4, 49.0, GAIN)
    assert not stage.buses.load_dead(1), "98 V"
    stage.volts(8, 230.0, 1.5 * GAIN)
    assert stage.buses.backup_usable(2)
    stage.volts(8, 230.0, GAIN)
    assert not stage.buses.backup_usable(2), "345 V"


def test_the_limit_of_live_itself_is_not_live():
    stage = Stage()
    limit = mean_square(103.5, GAIN, 64)
    for above in (0, 1):
        for channel in range(9):
            stage.level[channel] = limit + above
        for phase in range(3):
            live = (
                stage.buses.grid_live(phase),
                stage.buses.load_live(phase),
                stage.buses.backup_live(phase),
            )
            assert live == (bool(above),) * 3
    limit = mean_square(50.0, GAIN, 64)
    for above in (-1, 0):
        stage.level[3] = limit + above
        assert stage.buses.load_dead(0) == (above < 0)


def test_the_gain_of_a_backup_channel_counts_for_live_too():
    for phase in range(3):
        calibration = Calibration()
        calibration.set("B%d" % (phase + 1), gain=2 * GAIN)
        stage = Stage(calibration)
        for other in range(3):
            stage.volts(6 + other, 60.0)
            assert stage.buses.backup_live(other) == (other == phase), "120 V on this one"


def test_before_the_limits_are_set_nothing_may_be_closed_onto():
    buses = Buses(array("i", [0] * 9))
    assert not buses.load_dead(0)

"""Frequency and sequence from whole chains of blocks: accuracy, harmonics, wrong wiring, missing phases."""

import math

from firmware.acquire.calibration import Calibration
from firmware.measure.frequency import RIGHT, UNKNOWN, WRONG, Frequency
from firmware.supervise.front_end import FrontEnd
from host_tests.unit.waves import Feed, Wave, three


def _feed(waves, blocks=480, phases=3):
    feed = Feed(FrontEnd, Calibration(), phases)
    feed.waves = waves
    feed.run(blocks)
    return feed.front.meter.frequency


def test_accuracy_from_45_to_55_hz():
    for tenths in range(450, 551, 10):
        hz = tenths / 10
        frequency = _feed(three(230, hz, deg=17))
        assert abs(frequency.mhz / 1000 - hz) < 0.01, (hz, frequency.mhz)
        assert abs(frequency.smooth_mhz / 1000 - hz) < 0.005, (hz, frequency.smooth_mhz)
        assert frequency.sequence == RIGHT, hz


def test_limits_are_told_apart_by_a_hundredth():
    for hz in (47.49, 47.51, 51.49, 51.51):
        assert abs(_feed(three(230, hz)).smooth_mhz / 1000 - hz) < 0.005, hz


def test_low_voltage_and_overvoltage():
    for rms in (60, 100, 280):
        assert abs(_feed(three(rms, 50.2)).mhz / 1000 - 50.2) < 0.01, rms


def test_harmonics_and_offsets_change_nothing():
    harmonics = {3: 0.05, 5: 0.05, 7: 0.03, 11: 0.02}
    waves = three(230, 49.5, harmonics=harmonics, offset=120)
    frequency = _feed(waves)
    assert abs(frequency.smooth_mhz / 1000 - 49.5) < 0.01
    assert abs(frequency.mhz / 1000 - 49.5) < 0.03
    assert frequency.sequence == RIGHT


def test_wrong_sequence():
    waves = {"V1": Wave(230), "V2": Wave(230, deg=120), "V3": Wave(230, deg=-120)}
    assert _feed(waves).sequence == WRONG


def test_one_phase_on_two_inputs():
    for angles in ((0, 0, -120), (0, -120, -120), (0, -120, 0), (0, 0, 0), (0, 180, -120)):
        waves = {"V%d" % (n + 1): Wave(230, deg=angles[n]) for n in range(3)}
        assert _feed(waves).sequence == WRONG, angles


def test_the_sequence_has_thirty_degrees_of_tolerance():
    for error, sequence in ((25, RIGHT), (-25, RIGHT), (35, WRONG), (-35, WRONG)):
        waves = three(230)
        waves["V2"].deg += error
        assert _feed(waves).sequence == sequence, error
        waves = three(230)
        waves["V3"].deg += error
        assert _feed(waves).sequence == sequence, error


def test_a_missing_phase_leaves_the_frequency_and_takes_the_sequence():
    for missing in (("V1",), ("V2",), ("V3",), ("V1", "V2"), ("V2", "V3")):
        waves = three(230, 50.7)
        for name in missing:
            waves[name].rms = 0.0
        frequency = _feed(waves)
        assert abs(frequency.mhz / 1000 - 50.7) < 0.01, missing
        assert frequency.sequence == UNKNOWN


def test_no_voltage_no_frequency():
    for rms in (0.0, 20.0, 44.0):
        frequency = _feed(three(rms))
        assert frequency.mhz == 0 == frequency.smooth_mhz and frequency.sequence == UNKNOWN, rms
    assert abs(_feed(three(48.0)).mhz / 1000 - 50.0) < 0.02


def test_a_single_phase_board_has_a_frequency_and_no_wrong_sequence():
    frequency = _feed({"V1": Wave(230, 49.0)}, phases=1)
    assert abs(frequency.mhz / 1000 - 49.0) < 0.01 and frequency.sequence == RIGHT


def test_the_frequency_follows_a_change_within_three_cycles():
    feed = Feed(FrontEnd, Calibration())
    feed.waves = three(230, 50.0)
    feed.run(160)
    # 50 to 52 Hz without a jump of the angle: at 160 blocks, 0.4 s, both are at the same angle.
    feed.waves = three(230, 52.0, deg=-360 * 2 * 0.4)
    feed.run(24)
    frequency = feed.front.meter.frequency
    assert abs(frequency.mhz / 1000 - 52.0) < 0.02
    assert 50100 < frequency.smooth_mhz < 51000, "the mean follows slowly"


def test_a_gap_forgets_the_frequency_for_one_cycle():
    frequency = Frequency()
    values = [30000000, 0] * 3
    frequency.update(values, True)
    assert frequency.mhz == 0
    frequency.update(values, False)
    assert frequency.mhz == 0, "the first two windows after the voltage came are not full"
    frequency.update(values, False)
    assert frequency.mhz == 50000 == frequency.smooth_mhz
    frequency.update(values, True)
    assert frequency.mhz == 0 == frequency.smooth_mhz
    assert frequency.count == 4
    # One hertz more turns the phasor by 7.2 degrees a cycle: the mean begins with it, not with the old 50.
    turned = [int(30000000 * math.cos(0.04 * math.pi)), int(30000000 * math.sin(0.04 * math.pi))] * 3
    frequency.update(turned, False)
    assert abs(frequency.mhz / 1000 - 51.0) < 0.001 and abs(frequency.smooth_mhz / 1000 - 51.0) < 0.001

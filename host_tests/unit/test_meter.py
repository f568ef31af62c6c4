"""Readings from sampled blocks against analytic values."""

import math

from firmware.acquire.calibration import Calibration
from firmware.acquire.layout import NUMBERS
from firmware.supervise.front_end import FrontEnd
from host_tests.unit.waves import Feed, Wave, three
from host_tests.unit.working import EXPECTED
from tools.units import InUnits

BLOCKS = 320  # 0.8 s: windows, frequency and offsets have settled


def _readings(waves, calibration=None, blocks=BLOCKS):
    feed = Feed(FrontEnd, calibration or Calibration())
    feed.waves = waves
    feed.run(blocks)
    return InUnits(feed.front.meter.readings)


def _near(value, wanted, part, floor=0.0):
    return abs(value - wanted) <= abs(wanted) * part + floor


def _grid(amperes, lag_deg, hz=50.0, **more):
    waves = three(230, hz, deg=11)
    waves.update(three(amperes, hz, deg=11 - lag_deg, names="I1 I2 I3", **more))
    return waves


def test_rms_of_every_channel():
    waves = {}
    for n, name in enumerate(("V1", "V2", "V3", "U1", "U2", "U3", "B1", "B2", "B3")):
        waves[name] = Wave(180 + 10 * n, 50.0, 40 * n)
    for n, name in enumerate(("I1", "I2", "I3", "P1", "P2", "P3")):
        waves[name] = Wave(3 + 9 * n, 50.0, 70 * n)
    readings = _readings(waves)
    for n in range(3):
        assert _near(readings.v[n], 180 + 10 * n, 0.0005)
        assert _near(readings.u[n], 210 + 10 * n, 0.0005)
        assert _near(readings.b[n], 240 + 10 * n, 0.0005)
        assert _near(readings.i[n], 3 + 9 * n, 0.001, 0.005)
        assert _near(readings.pv_i[n], 30 + 9 * n, 0.001)


def test_powers_lagging_and_leading_import_and_export():
    for hz in (47.5, 50.0, 51.5):
        for lag_deg in (0, 30, 60, 90, -30, -60, -90, 180, 150, -150):
            readings = _readings(_grid(20, lag_deg, hz))
            s = 230 * 20
            p, q = s * math.cos(math.radians(lag_deg)), s * math.sin(math.radians(lag_deg))
            for n in range(3):
                assert abs(readings.grid_p[n] - p) < 0.002 * s, (hz, lag_deg, n)
                assert abs(readings.grid_q[n] - q) < 0.003 * s, (hz, lag_deg, n)
                assert _near(readings.grid_s[n], s, 0.001)
                assert abs(readings.grid_pf[n] - p / s) < 0.002
            assert abs(readings.grid_p[3] - 3 * p) < 0.006 * s
            assert abs(readings.grid_q[3] - 3 * q) < 0.009 * s
            assert _near(readings.grid_s[3], 3 * s, 0.001)


def test_small_and_large_currents():
    for amperes in (0.5, 5, 63):
        readings = _readings(_grid(amperes, 0))
        assert _near(readings.grid_p[0], 230 * amperes, 0.002, 2.0), amperes


def test_pv_power_is_the_load_bus_voltage_times_the_pv_current():
    waves = three(231, names="U1 U2 U3")
    waves.update(three(10, names="P1 P2 P3"))
    waves.update(three(100, names="V1 V2 V3"))
    readings = _readings(waves)
    for n in range(3):
        assert _near(readings.pv_p[n], 2310, 0.002)
        assert abs(readings.pv_q[n]) < 5
        assert readings.grid_p[n] == 0.0 or abs(readings.grid_p[n]) < 1
    assert _near(readings.pv_p[3], 6930, 0.002) and _near(readings.pv_pf[3], 1.0, 0.001)


def test_import_and_export_on_different_phases():
    waves = _grid(10, 0)
    waves["I2"].deg += 180
    readings = _readings(waves)
    assert readings.grid_p[0] > 2290 and readings.grid_p[1] < -2290
    assert _near(readings.grid_p[3], 2300, 0.004)
    assert _near(readings.grid_pf[3], 1 / 3, 0.01) and readings.grid_pf[1] < -0.99


def test_offsets_of_the_inputs_change_no_reading():
    waves = _grid(20, 40)
    waves.update(three(229, names="B1 B2 B3"))
    for n, name in enumerate(sorted(waves)):
        waves[name].offset = (-1) ** n * (40 + 20 * n)
    readings = _readings(waves)
    s = 4600
    for n in range(3):
        assert _near(readings.v[n], 230, 0.0005) and _near(readings.i[n], 20, 0.001)
        assert _near(readings.b[n], 229, 0.0005)
        assert abs(readings.grid_p[n] - s * math.cos(math.radians(40))) < 0.002 * s
        assert abs(readings.grid_q[n] - s * math.sin(math.radians(40))) < 0.003 * s


def test_the_measured_offset_reaches_the_levels_within_its_limit():
    for offset, rest in ((0, 2048), (150, 2198), (-399, 1649)):
        feed = Feed(FrontEnd, Calibration())
        feed.waves = {"V1": Wave(100, offset=offset), "B3": Wave(100, offset=offset)}
        feed.run(BLOCKS)
        assert feed.front.levels.rest[0] == rest == feed.front.levels.rest[8], offset
    feed = Feed(FrontEnd, Calibration())
    feed.waves = {"V1": Wave(0, offset=401)}
    feed.run(BLOCKS)
    assert feed.front.levels.rest[0] == 2048, "an input this far off is broken: the offset stays"


def test_the_stored_offset_is_where_the_levels_start():
    calibration = Calibration()
    calibration.set("V2", offset=-17)
    calibration.set("B3", offset=23)
    feed = Feed(FrontEnd, calibration)
    assert list(feed.front.levels.rest) == [2048, 2031, 2048, 2048, 2048, 2048, 2048, 2048, 2071]


def test_gain_polarity_and_phase_correction():
    calibration = Calibration()
    calibration.set("V1", gain=calibration.gain[0] * 1.1)
    calibration.set("I1", gain=calibration.gain[8] * 0.8)
    calibration.set("I2", polarity=-1)
    calibration.set("V3", polarity=-1)
    calibration.set("I3", polarity=-1)
    readings = _readings(_grid(20, 60), calibration)
    s = 4600
    assert _near(readings.v[0], 253, 0.001) and _near(readings.i[0], 16, 0.001)
    assert _near(readings.grid_p[0], 0.88 * s / 2, 0.004)
    assert _near(readings.grid_p[1], -s / 2, 0.004)
    assert readings.grid_q[1] < 0
    assert _near(readings.grid_p[2], s / 2, 0.004), "two wrong ways make a right one"


def test_a_late_current_is_set_right_at_every_frequency():
    for hz in (47.5, 50.0, 51.5):
        for name, late in (("I1", 4.0), ("I1", -4.0), ("V1", 4.0)):
            calibration = Calibration()
            calibration.set(name, phase_deg=late)
            waves = _grid(20, 60, hz)
            waves[name].deg -= late * hz / 50.0  # a fixed delay, as a current transformer's filter has
            readings = _readings(waves, calibration)
            assert abs(readings.grid_p[0] - 2300) < 0.003 * 4600, (hz, name, late, readings.grid_p[0])
            assert abs(readings.grid_q[0] - 4600 * math.sin(math.pi / 3)) < 0.004 * 4600


def test_harmonic_power_counts():
    waves = _grid(20, 0, harmonics={3: 0.2})
    for n in range(3):
        waves["V%d" % (n + 1)].harmonics = {3: 0.1}
    readings = _readings(waves)
    assert _near(readings.v[0], 230 * math.sqrt(1.01), 0.001)
    assert _near(readings.i[0], 20 * math.sqrt(1.04), 0.001)
    assert _near(readings.grid_p[0], 4600 * 1.02, 0.002)


def test_nothing_connected_reads_nothing():
    readings = _readings({})
    assert readings.v == [0.0] * 3 and readings.grid_p == [0.0] * 4 and readings.grid_pf == [0.0] * 4
    assert readings.frequency == 0.0


def test_a_power_factor_of_next_to_nothing_is_none():
    readings = _readings(three(230))
    assert readings.grid_pf == [0.0] * 4 and readings.pv_pf == [0.0] * 4


def test_readings_come_ten_times_a_second_and_energy_with_them():
    feed = Feed(FrontEnd, Calibration())
    feed.waves = _grid(60, 0)
    new = 0
    for _ in range(40 * 40):
        feed.run(1, collect=False)
        new += feed.front.meter.collect()
    assert new == 39 == feed.front.meter.count
    # 13.8 kW a phase for 3.9 s
    energy = feed.front.meter.energy
    assert energy.grid_import == [14, 14, 14, 44] and energy.grid_export == [0] * 4


def test_frequency_is_published():
    assert abs(_readings(three(230, 49.3)).frequency - 49.3) < 0.005


def test_lost_blocks_are_counted():
    feed = Feed(FrontEnd, Calibration())
    feed.waves = three(230)
    feed.run(20)
    assert feed.front.lost_blocks == 0 and feed.front.blocks == 20
    feed.front.on_block(25)
    assert feed.front.lost_blocks == 5 and feed.front.blocks == 21
    feed.front.on_block(26)
    assert feed.front.lost_blocks == 5


def test_the_block_number_wraps_without_a_loss():
    feed = Feed(FrontEnd, Calibration())
    feed.waves = three(230)
    feed.number = NUMBERS - 2
    feed.front.memory.words[EXPECTED] = NUMBERS - 2
    feed.run(2)
    feed.number = 0
    feed.run(2)
    assert feed.front.lost_blocks == 0

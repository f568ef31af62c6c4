"""Readings of the whole box against what the plant does."""

import math

from host_tests.closed_loop.bench import box
from tools.units import InUnits

# IEC 62053-22 class 0.5 S, In = 10 A, Imax = 63 A: 0.5 % from 0.05 In at power factor 1, 1 % from 0.01 In.


def settled(step, until_ms=4000.0):
    return box([dict(step, at_s=2.5)], until_ms=until_ms)


def close(measured, true, part, at_least=0.0):
    assert abs(measured - true) <= max(abs(true) * part, at_least), (measured, true)


def mean_power(sim, name, phase, ms=3000.0):
    """Return the mean of a reading over some windows."""
    total = 0.0
    count = 0
    end_ms = sim.t_ms + ms
    while sim.t_ms < end_ms:
        sim.run_until(sim.t_ms + 100.0)
        total += getattr(InUnits(sim.box.readings), name)[phase]
        count += 1
    return total / count


def test_powers_at_power_factors_and_frequencies():
    for hz in (47.6, 49.7, 50.0, 51.3):
        for pf in (1.0, 0.5, -0.8):
            sim = settled({"load_w": [2300.0, 1150.0, 230.0], "load_pf": pf, "grid_hz": hz})
            readings = InUnits(sim.box.readings)
            for phase, watts in enumerate((2300.0, 1150.0, 230.0)):
                amperes = watts / 230.0 / abs(pf)
                close(readings.v[phase], 230.0, 0.002)
                close(readings.i[phase], amperes, 0.005)
                close(readings.grid_p[phase], watts, 0.005 / abs(pf))
                reactive = math.copysign(watts * math.tan(math.acos(abs(pf))), pf)
                close(readings.grid_q[phase], reactive, 0.01, 0.005 * 230 * amperes)
                close(readings.grid_pf[phase], abs(pf), 0.01)
            close(readings.grid_p[3], 3680.0, 0.005 / abs(pf))
            close(readings.frequency, hz, 0.0002)


def test_export_is_negative_and_pv_positive():
    sim = settled({"load_w": [500.0] * 3, "pv_w": [2000.0] * 3})
    readings = InUnits(sim.box.readings)
    for phase in range(3):
        close(readings.grid_p[phase], -1500.0, 0.005)
        close(readings.pv_p[phase], 2000.0, 0.005)
        close(readings.grid_pf[phase], -1.0, 0.005)
    close(readings.grid_p[3], -4500.0, 0.005)


def test_small_and_full_current():
    for watts, part in ((23.0, 0.02), (115.0, 0.01), (14490.0, 0.002)):
        sim = settled({"load_w": [watts] * 3})
        close(mean_power(sim, "grid_p", 0), watts, part)


def test_distorted_voltage():
    sim = settled({"harmonics": {"3": 0.05, "5": 0.06, "7": 0.03}, "load_w": [2300.0] * 3})
    factor = 1 + 0.05**2 + 0.06**2 + 0.03**2
    close(InUnits(sim.box.readings).v[0], 230.0 * math.sqrt(factor), 0.002)
    close(InUnits(sim.box.readings).grid_p[0], 2300.0 * factor, 0.005)


def test_energy_counts_import_export_and_pv():
    sim = box([{"at_s": 0.0, "load_w": [6000.0, 0.0, 600.0], "pv_w": [0.0, 3000.0, 0.0]}], until_ms=2100.0)
    start = sim.box.energy.snapshot()
    sim.run_until(62100.0)
    taken, given, pv = [[b - a for a, b in zip(x, y)] for x, y in zip(start, sim.box.energy.snapshot())]
    for counted, true in zip(taken, (100, 0, 10, 60)):
        assert abs(counted - true) <= 1, taken
    for counted, true in zip(given, (0, 50, 0, 0)):
        assert abs(counted - true) <= 1, given
    for counted, true in zip(pv, (0, 50, 0, 50)):
        assert abs(counted - true) <= 1, pv


def test_no_energy_without_load_in_spite_of_noise():
    sim = box([{"at_s": 0.0, "load_w": 0.0, "noise_lsb": 1.0}], until_ms=30000.0)
    assert sim.box.energy.snapshot() == [[0] * 4] * 3


def test_load_bus_and_backup_are_measured_in_backup():
    sim = box([{"at_s": 3.0, "grid_v": [0.0] * 3, "backup_v": [228.0, 231.0, 234.0]}], until_ms=6000.0)
    for phase, volts in enumerate((228.0, 231.0, 234.0)):
        close(InUnits(sim.box.readings).u[phase], volts, 0.002)
        close(InUnits(sim.box.readings).b[phase], volts, 0.002)
        assert InUnits(sim.box.readings).v[phase] < 1.0
        assert abs(InUnits(sim.box.readings).grid_p[phase]) < 1.0

"""The SDM630's input registers, row by row, against the public list of its protocol description.

Addresses and quantities: SDM630-Modbus V2, "Input Registers"; the same numbers are in sdm_modbus, which
host_tests/host/test_sdm_modbus.py holds against this list.
"""

import math
import struct

from firmware.publish.profiles import Profiles
from firmware.publish.register_map import HOLDING, ILLEGAL_ADDRESS, INPUT
from host_tests.unit.fake_box import FakeBox

LAST = 0x17D
# Address, what is there, of the phases or of all; what the box does not measure stands in UNMEASURED.
MEASURED = (
    (0x00, ("voltage", 0)),
    (0x02, ("voltage", 1)),
    (0x04, ("voltage", 2)),
    (0x06, ("current", 0)),
    (0x08, ("current", 1)),
    (0x0A, ("current", 2)),
    (0x0C, ("active", 0)),
    (0x0E, ("active", 1)),
    (0x10, ("active", 2)),
    (0x12, ("apparent", 0)),
    (0x14, ("apparent", 1)),
    (0x16, ("apparent", 2)),
    (0x18, ("reactive", 0)),
    (0x1A, ("reactive", 1)),
    (0x1C, ("reactive", 2)),
    (0x1E, ("factor", 0)),
    (0x20, ("factor", 1)),
    (0x22, ("factor", 2)),
    (0x24, ("angle", 0)),
    (0x26, ("angle", 1)),
    (0x28, ("angle", 2)),
    (0x2A, ("mean voltage", 0)),
    (0x2E, ("mean current", 0)),
    (0x30, ("sum of currents", 0)),
    (0x34, ("active", 3)),
    (0x38, ("apparent", 3)),
    (0x3C, ("reactive", 3)),
    (0x3E, ("factor", 3)),
    (0x42, ("angle", 3)),
    (0x46, ("frequency", 0)),
    (0x48, ("import", 3)),
    (0x4A, ("export", 3)),
    (0xC8, ("line voltage", 0)),
    (0xCA, ("line voltage", 1)),
    (0xCC, ("line voltage", 2)),
    (0xCE, ("mean line voltage", 0)),
    (0xFE, ("factor", 3)),
    (0x156, ("both", 3)),
    (0x15A, ("import", 0)),
    (0x15C, ("import", 1)),
    (0x15E, ("import", 2)),
    (0x160, ("export", 0)),
    (0x162, ("export", 1)),
    (0x164, ("export", 2)),
    (0x166, ("both", 0)),
    (0x168, ("both", 1)),
    (0x16A, ("both", 2)),
)
# Reactive and apparent energy, ampere hours, demands, neutral current, distortion, reactive energies.
UNMEASURED = (
    [0x4C, 0x4E, 0x50, 0x52, 0x54, 0x56, 0x58, 0x5A, 0x5C, 0x5E, 0x64, 0x66, 0x68, 0x6A, 0xE0]
    + [0xEA, 0xEC, 0xEE, 0xF0, 0xF2, 0xF4, 0xF8, 0xFA]
    + [0x102, 0x104, 0x106, 0x108, 0x10A, 0x10C, 0x14E, 0x150, 0x152, 0x154, 0x158]
    + [0x16C, 0x16E, 0x170, 0x172, 0x174, 0x176, 0x178, 0x17A, 0x17C]
)
SETTINGS = {"sdm_grid_address": 2, "sdm_pv_address": 3}


def profile(box, pv=False):
    """Return the profile of a box that has both, renewed."""
    assert box.change(SETTINGS) == ""
    units = Profiles(box).units(box.settings)
    assert [address for address, _profile in units] == [2, 3]
    return units[1 if pv else 0][1]


def floats(unit):
    """Return all input registers as floats, by their address; in requests a master could make."""
    into = bytearray(2 * (LAST + 1))
    for start in range(0, LAST + 1, 120):
        assert unit.read(INPUT, start, min(120, LAST + 1 - start), into, 2 * start) == 0
    return {at: struct.unpack_from(">f", into, 2 * at)[0] for at in range(0, LAST, 2)}


def expected(box, pv):
    """Return what each quantity is, worked out in floating point from the box's readings."""
    r, e = box.readings, box.energy
    if pv:
        volts, amperes, p, q, s, pf = r.u_cv, r.pv_i_ma, r.pv_p_cw, r.pv_q_cvar, r.pv_s_cva, r.pv_pf_mil
        gained, drawn = e.pv, [0] * 4
    else:
        volts, amperes, p, q, s, pf = r.v_cv, r.i_ma, r.grid_p_cw, r.grid_q_cvar, r.grid_s_cva, r.grid_pf_mil
        gained, drawn = e.grid_import, e.grid_export
    v = [volt / 100 for volt in volts]
    line = [math.sqrt(v[n] ** 2 + v[n] * v[n - 2] + v[n - 2] ** 2) for n in range(3)]
    return {
        "voltage": v,
        "current": [i / 1000 for i in amperes],
        "active": [w / 100 for w in p],
        "apparent": [va / 100 for va in s],
        "reactive": [var / 100 for var in q],
        "factor": [f / 1000 for f in pf],
        "angle": [math.degrees(math.atan2(q[n], p[n])) if s[n] else 0 for n in range(4)],
        "mean voltage": [sum(v) / 3],
        "mean current": [sum(amperes) / 3000],
        "sum of currents": [sum(amperes) / 1000],
        "frequency": [(box.pv_frequency_mhz if pv else r.frequency_mhz) / 1000],
        "import": [wh / 1000 for wh in gained],
        "export": [wh / 1000 for wh in drawn],
        "both": [(gained[n] + drawn[n]) / 1000 for n in range(4)],
        "line voltage": line,
        "mean line voltage": [sum(line) / 3],
    }


def box_to_read():
    box = FakeBox()
    box.energy.pv[3] = 90001
    return box


def check(box, pv):
    shown = floats(profile(box, pv))
    wanted = expected(box, pv)
    for address, (quantity, n) in MEASURED:
        want = wanted[quantity][n]
        near = 0.031 if "line" in quantity else 0.011  # between two phases quarters of 0.01 V are left out
        assert abs(shown.pop(address) - want) <= near + 1e-6 * abs(want), (hex(address), quantity, n)
    for address in shown:
        assert shown[address] == 0.0, hex(address)  # not measured, or left free
    assert not [address for address in UNMEASURED if address not in shown]


def test_every_register_of_the_grid_meter():
    check(box_to_read(), False)


def test_every_register_of_the_pv_meter():
    check(box_to_read(), True)


def test_import_is_positive_and_export_negative():
    box = box_to_read()
    box.readings.grid_p_cw = [-10000, -20000, 5000, -25000]
    grid = floats(profile(box))
    assert (grid[0x0C], grid[0x0E], grid[0x10], grid[0x34]) == (-100.0, -200.0, 50.0, -250.0)
    pv = floats(profile(box, True))
    assert (
        pv[0x34] == 3534.0 and abs(pv[0x48] - 90.001) < 1e-4 and pv[0x4A] == 0.0
    )  # production counts as import


def test_a_pv_meter_that_is_not_served_reads_zero():
    box = box_to_read()
    box.pv_frequency_mhz = 0  # as the box has it then
    assert box.change({"pv_meter_enable": 0}) == ""
    shown = floats(profile(box, True))
    assert [address for address in shown if shown[address]] == []


def test_a_single_phase_has_no_voltage_between_phases():
    box = box_to_read()
    box.phases = 1
    box.readings.v_cv = [23012, 0, 0]
    box.readings.i_ma = [6000, 0, 0]
    shown = floats(profile(box))
    assert abs(shown[0x2A] - 230.12) < 0.001 and shown[0x2E] == 6.0  # means of the phases that are there
    assert [shown[at] for at in (0xC8, 0xCA, 0xCC, 0xCE)] == [0.0] * 4


def test_there_is_no_angle_below_1_va():
    box = box_to_read()
    box.readings.grid_s_cva = [99, 100, 0, 199]
    shown = floats(profile(box))
    assert shown[0x24] == 0.0 and shown[0x26] != 0.0


def test_what_lies_beyond_is_refused():
    unit = profile(box_to_read())
    into = bytearray(250)
    assert unit.read(INPUT, LAST, 1, into, 0) == 0
    assert unit.read(INPUT, LAST, 2, into, 0) == ILLEGAL_ADDRESS
    assert unit.read(INPUT, LAST + 1, 1, into, 0) == ILLEGAL_ADDRESS
    assert unit.read(HOLDING, 0x24, 2, into, 0) == 0  # as far as clients read in one go
    assert unit.read(HOLDING, 0x26, 1, into, 0) == ILLEGAL_ADDRESS


def test_the_holding_registers_of_the_public_list():
    """40011 system type, 40019 parity and stop bits, 40021 address, 40029 baud rate; 40013 is not ours."""
    box = box_to_read()
    unit = profile(box)
    into = bytearray(0x26 * 2)
    assert unit.read(HOLDING, 0, 0x26, into, 0) == 0
    shown = {at: struct.unpack_from(">f", into, 2 * at)[0] for at in range(0, 0x26, 2)}
    wanted = {0x0A: 3.0, 0x14: 2.0, 0x1C: 2.0}
    assert {at: shown[at] for at in shown if shown[at]} == wanted
    box = box_to_read()
    box.phases = 1
    assert profile(box).read(HOLDING, 0x0A, 2, into, 0) == 0
    assert struct.unpack(">f", bytes(into[:4]))[0] == 1.0

"""The box's own table: names, values, staging and commit, as a master sees them."""

from firmware.publish.register_map import HOLDING, ILLEGAL_ADDRESS, ILLEGAL_VALUE, INPUT
from firmware.publish.registers import SETTINGS_FIRST, build_registers, describe
from firmware.store.settings import SPEC
from host_tests.unit.fake_box import FakeBox

REGISTERS = {entry[0]: entry for entry in describe()}
COMMIT = REGISTERS["commit"][1]


def _with_phases(*stems):
    return [stem + suffix for stem in stems for suffix in ("_l1", "_l2", "_l3")]


def _with_total(*stems):
    return [stem + "_total" for stem in stems] + _with_phases(*stems)


def _read(box, name):
    _, address, table, kind, words = REGISTERS[name][:5]
    into = bytearray(2 * words)
    code = build_registers(box).read(HOLDING if table == "holding" else INPUT, address, words, into, 0)
    assert code == 0, name
    if kind == "ascii":
        return bytes(into)
    raw = 0
    for byte in into:
        raw = (raw << 8) | byte
    if kind[0] == "i" and into[0] & 0x80:
        raw -= 1 << (16 * words)
    return raw


def _write(box, name, *words):
    source = bytearray()
    for word in words:
        source += bytes((word >> 8, word & 255))
    return build_registers(box).write(REGISTERS[name][1], len(words), source, 0)


def test_the_names_that_others_rely_on():
    powers = ["_active_power", "_reactive_power", "_apparent_power", "_power_factor"]
    wanted = (
        ["meter_model", "firmware_version", "state", "state_reason", "failing_phase", "return_countdown_s"]
        + ["coils", "feedback", "phases_supplied", "dip_switches", "dip_changed", "faults", "warnings"]
        + ["lost_blocks", "grid_frequency", "pv_frequency", "grid_energy_import", "grid_energy_export"]
        + ["pv_energy", "soc", "soc_age_s", "load_management_enable", "commit", "pv_meter_enable"]
        + ["ct_ratio", "unit_address", "baud_rate", "reset_faults", "settings_pending", "uptime_s", "bench"]
        + _with_total(*(meter + power for meter in ("grid", "pv") for power in powers))
        + _with_phases("grid_voltage", "grid_current", "pv_voltage", "pv_current", "load_voltage")
        + _with_phases("backup_voltage", "priority", "soc_min", "grid_energy_import", "grid_energy_export")
        + _with_phases("pv_energy")
        + [spec[0] for spec in SPEC]
    )
    for name in wanted:
        assert name in REGISTERS, name
    assert set(REGISTERS) == set(wanted)
    assert len(REGISTERS) == len(list(describe()))  # no name twice


def test_every_register_can_be_read():
    box = FakeBox()
    for name in REGISTERS:
        _read(box, name)


def test_identity():
    box = FakeBox()
    assert _read(box, "meter_model") == b"BackupBox_PLUS\0\0"
    assert _read(box, "firmware_version").rstrip(b"\0") == b"0.1.0"
    assert _read(box, "bench") == 0
    box.synthetic = True
    assert _read(box, "bench") == 1
    assert _read(box, "uptime_s") == 100000


def test_measured_values_and_their_scales():
    box = FakeBox()
    for name, raw in (
        ("grid_voltage_l1", 23012),
        ("grid_voltage_l3", 22950),
        ("grid_current_l2", 62999),
        ("grid_frequency", 49987),
        ("grid_active_power_l1", 2840),
        ("grid_active_power_l2", -145000),
        ("grid_active_power_total", -142161),
        ("grid_reactive_power_l2", -200),
        ("grid_apparent_power_total", 148373),
        ("grid_power_factor_l2", -996),
        ("grid_power_factor_total", -958),
        ("grid_energy_import_l2", 2),
        ("grid_energy_import", 70000),
        ("grid_energy_export", 80000),
        ("pv_voltage_l2", 22825),
        ("load_voltage_l2", 22825),
        ("backup_voltage_l2", 22975),
        ("pv_current_l3", 6500),
        ("pv_active_power_total", 35340),
        ("pv_power_factor_l3", 999),
        ("pv_energy_l1", 7),
        ("pv_energy", 3000000000),
        ("pv_frequency", 49987),
    ):
        assert _read(box, name) == raw, (name, _read(box, name))
    box.coils = 14  # on backup: nobody measures the load bus's frequency
    box.state = 3
    assert _read(box, "pv_frequency") == 0
    assert _read(box, "grid_frequency") == 49987
    box.coils, box.state = 0, 7  # bypass
    assert _read(box, "pv_frequency") == 49987


def test_what_is_not_known_is_marked():
    box = FakeBox()
    box.readings.v[0] = float("nan")
    box.readings.grid_p[0] = float("nan")
    assert _read(box, "grid_voltage_l1") == 0xFFFF
    assert _read(box, "grid_active_power_l1") == -0x80000000


def test_a_pv_meter_that_is_not_served_reads_zero():
    box = FakeBox()
    box.settings["pv_meter_enable"] = 0
    for name in REGISTERS:
        if name.startswith("pv_") and name != "pv_meter_enable":
            assert _read(box, name) == 0, name
    assert _read(box, "load_voltage_l1") == 22800


def test_status():
    box = FakeBox()
    box.state, box.state_reason, box.failing_phase, box.countdown_s = 5, 4, 2, 299
    box.faults, box.warnings, box.lost_blocks, box.dip_changed = 8192, 33, 70000, 1
    for name, raw in (
        ("state", 5),
        ("state_reason", 4),
        ("failing_phase", 2),
        ("return_countdown_s", 299),
        ("coils", 1),
        ("feedback", 1),
        ("phases_supplied", 7),
        ("dip_switches", 8),
        ("dip_changed", 1),
        ("faults", 8192),
        ("warnings", 33),
        ("lost_blocks", 70000),
        ("soc_age_s", 65535),
    ):
        assert _read(box, name) == raw, name


def test_soc_takes_effect_at_once_and_has_a_range():
    box = FakeBox()
    assert _read(box, "soc") == 65535
    for percent in (0, 55, 100):
        assert _write(box, "soc", percent) == 0
        assert box.battery.soc == percent and _read(box, "soc") == percent
    for percent in (101, 255, 65535):
        assert _write(box, "soc", percent) == ILLEGAL_VALUE
    assert box.battery.soc == 100


def test_the_ct_ratio_and_input_numbers_cannot_be_written():
    box = FakeBox()
    assert _read(box, "ct_ratio") == 1
    for value in (0, 1, 2):
        assert _write(box, "ct_ratio", value) == ILLEGAL_ADDRESS
    assert _write(box, "reset_faults", 1, 1) == ILLEGAL_ADDRESS  # the CT ratio is the second of the two
    assert box.resets == 0
    for name in REGISTERS:
        if REGISTERS[name][2] == "input":
            assert _write(box, name, 1) == ILLEGAL_ADDRESS, name


def test_reset_faults_takes_only_1():
    box = FakeBox()
    box.faults = 3
    assert _write(box, "reset_faults", 0) == ILLEGAL_VALUE
    assert _write(box, "reset_faults", 2) == ILLEGAL_VALUE
    assert box.resets == 0
    assert _write(box, "reset_faults", 1) == 0
    assert box.resets == 1 and _read(box, "reset_faults") == 0


def test_settings_wait_for_the_commit():
    box = FakeBox()
    assert _write(box, "soc_min_l1", 20) == 0
    assert _write(box, "priority_l1", 1, 2, 3) == 0
    assert _read(box, "soc_min_l1") == 20 and _read(box, "priority_l3") == 3
    assert _read(box, "settings_pending") == 4
    assert box.settings["soc_min_l1"] == 0 and box.commits == 0
    assert _write(box, "commit", 1) == 0
    assert box.settings["soc_min_l1"] == 20 and box.settings["priority_l2"] == 2
    assert _read(box, "settings_pending") == 0 and _read(box, "commit") == 0


def test_a_value_outside_its_own_bounds_is_refused_at_once():
    box = FakeBox()
    for name, value in (
        ("unit_address", 0),
        ("unit_address", 248),
        ("baud_rate", 95),
        ("baud_rate", 9600),
        ("soc_min_l1", 9),
        ("soc_min_l1", 101),
        ("priority_l1", 4),
        ("dead_time_ms", 29),
        ("load_management_enable", 2),
        ("commit", 0),
        ("commit", 2),
        ("commit", 65535),
    ):
        assert _write(box, name, value) == ILLEGAL_VALUE, (name, value)
    assert _read(box, "settings_pending") == 0 and box.commits == 0


def test_a_refused_set_leaves_the_running_one_and_nothing_staged():
    box = FakeBox()
    before = dict(box.settings)
    assert _write(box, "load_management_enable", 1) == 0
    assert _write(box, "commit", 1) == ILLEGAL_VALUE
    assert box.refusal == "priorities must differ"
    assert box.settings == before
    assert _read(box, "settings_pending") == 0 and _read(box, "load_management_enable") == 0


def test_baud_rate_counts_in_hundreds():
    box = FakeBox()
    assert _read(box, "baud_rate") == 96
    assert _write(box, "baud_rate", 1152) == 0
    assert _read(box, "baud_rate") == 1152
    assert _write(box, "commit", 1) == 0
    assert box.settings["baud_rate"] == 115200


def _block(box):
    words = [_read(box, spec[0]) for spec in SPEC]
    return words, {spec[0]: k for k, spec in enumerate(SPEC)}


def test_one_request_over_the_whole_block_stages_and_commits():
    box = FakeBox()
    words, place = _block(box)
    words[place["priority_l1"]], words[place["return_delay_s"]] = 3, 400
    assert SETTINGS_FIRST + len(SPEC) == COMMIT
    assert _write(box, SPEC[0][0], *(words + [1])) == 0
    assert box.settings["priority_l1"] == 3 and box.settings["return_delay_s"] == 400
    assert box.commits == 1


def test_of_a_refused_request_nothing_stays():
    for name, value, last in (
        ("return_delay_s", 0, 1),  # out of its bounds
        ("return_delay_s", 400, 2),  # the commit is none
        ("return_delay_s", 400, 0),
        ("load_management_enable", 1, 1),  # the set is refused
        ("undervoltage_dv", 2000, 1),  # the set contradicts itself
    ):
        box = FakeBox()
        before = dict(box.settings)
        words, place = _block(box)
        words[place["priority_l3"]] = 2
        words[place[name]] = value
        assert _write(box, SPEC[0][0], *(words + [last])) == ILLEGAL_VALUE, name
        assert box.settings == before
        assert _read(box, "settings_pending") == 0 and _read(box, "priority_l3") == 0

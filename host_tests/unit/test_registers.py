"""The box's own table: names, values, staging and commit, as a master sees them."""

from firmware.publish.access import KEYS
from firmware.publish.register_map import BUSY, FAILURE, HOLDING, ILLEGAL_ADDRESS, ILLEGAL_VALUE, INPUT
from firmware.publish.registers import (
    COMMIT,
    HOLDING_BLOCKS,
    INPUT_BLOCKS,
    METERS,
    SETTINGS_FIRST,
    STATUS,
    Registers,
)
from firmware.store.settings import SPEC
from host_tests.unit.fake_box import FakeBox
from tools.register_list import decode, describe

_SPARE = [0] * (COMMIT - SETTINGS_FIRST - len(SPEC))  # between the settings and the commit
REGISTERS = {entry[0]: entry for entry in describe()}


def _with_phases(*stems):
    return [stem + suffix for stem in stems for suffix in ("_l1", "_l2", "_l3")]


def _with_total(*stems):
    return [stem + "_total" for stem in stems] + _with_phases(*stems)


def _read(box, name):
    _, address, table, kind, words = REGISTERS[name][:5]
    into = bytearray(2 * words)
    code = Registers(box).read(HOLDING if table == "holding" else INPUT, address, words, into, 0)
    assert code == 0, name
    return bytes(into) if kind == "ascii" else decode(kind, into)


def _write(box, name, *words):
    source = bytearray()
    for word in words:
        source += bytes((word >> 8, word & 255))
    if name in ("reset_faults", "clear_energy", "test_transfer"):
        _unlock(box)
    return Registers(box).write(REGISTERS[name][1], len(words), source, 0)


def _unlock(box):
    for key in KEYS:
        assert _write(box, "unlock", key) == 0


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
        + ["unlock", "clear_energy", "test_transfer", "clock", "request_age_s"]
        + ["channels_absent", "channels_stuck", "channels_saturated", "bench_grid"]
        + [spec[0] for spec in SPEC]
    )
    for name in wanted:
        assert name in REGISTERS, name
    assert set(REGISTERS) == set(wanted)
    assert len(REGISTERS) == len(describe())  # no name twice


def test_every_register_has_its_place_and_its_scale():
    """What the descriptions say is where the firmware writes it, and nothing lies upon anything else."""
    taken = set()
    for name, address, table, kind, words, scale, unit, *_ in describe():
        blocks = INPUT_BLOCKS if table == "input" else HOLDING_BLOCKS
        assert len([b for b in blocks if b[0] <= address and address + words - 1 <= b[1]]) == 1, name
        for word in range(address, address + words):
            assert word not in taken, name
            taken.add(word)
        assert unit != "V" or kind == "u16" and scale in (0.1, 0.01), name
    assert sorted(taken)[0] == 0 and SETTINGS_FIRST + len(SPEC) < COMMIT
    hundredths = {"cv": "V", "cw": "W", "cvar": "var", "cva": "VA"}
    thousandths = {"ma": "A", "mhz": "Hz", "mil": ""}
    for address, count, kind, step, _whose, attribute in STATUS + METERS:
        entry = [entry for entry in describe() if entry[1] == address][0]
        scale, unit = entry[5], entry[6]
        suffix = attribute.split("_")[-1]
        assert count <= 4 and (kind >= 2) == (entry[4] == 2), attribute
        if suffix in hundredths:
            assert unit == hundredths[suffix] and abs(scale - 0.01 * step) < 1e-9, attribute
        elif suffix in thousandths:
            assert (unit, scale, step) == (thousandths[suffix], 0.001, 1), attribute
        else:
            assert step == 1 and scale == (0.001 if unit == "kWh" else 1), attribute


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
    assert _read(box, "firmware_version").rstrip(b"\0") == b"0.1.0 BENCH"
    assert _read(box, "meter_model") == b"BackupBox_PLUS\0\0", "to the letter, on any board"
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


def test_values_are_rounded_and_end_with_their_type():
    box = FakeBox()
    box.readings.v_cv[0] = 70000
    box.readings.grid_p_cw[1] = 15
    box.readings.grid_p_cw[2] = -15
    assert _read(box, "grid_voltage_l1") == 0xFFFF
    assert (_read(box, "grid_active_power_l2"), _read(box, "grid_active_power_l3")) == (2, -1)


def test_a_pv_meter_that_is_not_served_reads_zero():
    box = FakeBox()
    box.settings["pv_meter_enable"] = 0
    box.pv_frequency_mhz = 0  # the box sees to that one
    for name in REGISTERS:
        if name.startswith("pv_") and name != "pv_meter_enable":
            assert _read(box, name) == 0, name
    assert _read(box, "load_voltage_l1") == 22800


def test_status():
    box = FakeBox()
    box.state, box.state_reason, box.failing_phase, box.countdown_s = 5, 4, 2, 299
    box.faults, box.warnings, box.lost_blocks, box.dip_changed = 8192, 33, 70000, 1
    box.bad_channels = (0x00FF, 2, 0x8000)
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
        ("channels_absent", 255),
        ("channels_stuck", 2),
        ("channels_saturated", 0x8000),
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
    assert _write(box, SPEC[0][0], *(words + _SPARE + [1])) == 0
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
        assert _write(box, SPEC[0][0], *(words + _SPARE + [last])) == ILLEGAL_VALUE, name
        assert box.settings == before
        assert _read(box, "settings_pending") == 0 and _read(box, "priority_l3") == 0


def test_the_bench_grid_is_read_only_on_a_real_board():
    box = FakeBox()
    assert _write(box, "bench_grid", 0) == ILLEGAL_ADDRESS
    box.synthetic = True
    assert _write(box, "bench_grid", 3) == 0 and _read(box, "bench_grid") == 3
    assert _write(box, "bench_grid", 7) == ILLEGAL_VALUE
    assert box.bench_grid == 3


def _words(registers, start, count):
    into = bytearray(2 * count)
    assert registers.read(INPUT, start, count, into, 0) == 0
    return into


def test_meter_values_appear_all_together():
    """Whenever a master asks, it gets one measuring window, or the next."""
    box = FakeBox()
    registers = Registers(box)
    assert not registers.step(), "everything is new"
    old = _words(registers, 100, 125), _words(registers, 300, 6)
    box.readings.v_cv = [100, 200, 300]
    box.readings.b_cv = [400, 500, 600]
    registers.renew_meters()
    for _ in range(len(METERS) - 1):
        assert registers.step()
        assert (_words(registers, 100, 125), _words(registers, 300, 6)) == old
    assert registers.step() and not registers.step() and not registers.step()
    assert _words(registers, 100, 3) == b"\0\x64\0\xc8\x01\x2c"
    assert _words(registers, 303, 3) == b"\x01\x90\x01\xf4\x02\x58"


def test_state_and_settings_are_renewed_row_by_row():
    box = FakeBox()
    registers = Registers(box)
    into = bytearray(2)
    box.state, box.bad_channels = 5, (1, 2, 3)
    box.battery.soc = 7
    registers.renew_status()
    steps = 1
    while registers.step():
        steps += 1
    assert steps == len(STATUS) + 5 + 1  # the commands, one by one
    assert _words(registers, 40, 1) == b"\0\5" and _words(registers, 57, 3) == b"\0\1\0\2\0\3"
    assert registers.read(HOLDING, 1000, 1, into, 0) == 0 and into == b"\0\7"
    box.staging.staged["unit_address"] = 9
    box.staging.changed()
    assert registers.read(HOLDING, SETTINGS_FIRST, 1, into, 0) == 0 and into == b"\0\x09", "without waiting"
    box.staging.staged["unit_address"] = 10
    box.staging.changed()
    registers.renew_status()
    while registers.step():
        pass
    assert registers.holdings.read(SETTINGS_FIRST, 1, into, 0) == 0 and into == b"\0\x0a"


def test_commands_are_taken_only_when_unlocked():
    box = FakeBox()
    registers = Registers(box)
    commands = (("reset_faults", 1), ("clear_energy", 1), ("test_transfer", 60))
    for name, value in commands:
        source = bytes((0, value))
        assert registers.write(REGISTERS[name][1], 1, source, 0) == ILLEGAL_ADDRESS, name
    assert (box.resets, box.cleared, box.test_s) == (0, 0, 0)
    for name, value in commands:
        assert _write(box, name, value) == 0
    assert (box.resets, box.cleared, box.test_s) == (1, 1, 60)
    assert _read(box, "unlock") == 60 and _read(box, "test_transfer") == 60
    box.uptime_s += 60
    assert _read(box, "unlock") == 0
    assert registers.write(REGISTERS["reset_faults"][1], 1, b"\0\1", 0) == ILLEGAL_ADDRESS


def test_the_commands_have_ranges():
    box = FakeBox()
    for name, value in (
        ("clear_energy", 0),
        ("clear_energy", 2),
        ("test_transfer", 9),
        ("test_transfer", 601),
    ):
        assert _write(box, name, value) == ILLEGAL_VALUE, (name, value)
    assert (box.cleared, box.test_s) == (0, 0)
    box.state = 3
    assert _write(box, "test_transfer", 60) == FAILURE


def test_a_request_that_cannot_be_carried_out_to_its_end_is_not_begun():
    """The energy is not cleared, nor the grid of a bench changed, when the test or the key is refused."""
    at = REGISTERS["unlock"][1]
    for state, words, code in (
        (3, (KEYS[0], 1, 60), FAILURE),  # the house is not on the grid
        (1, (KEYS[1], 1, 60), ILLEGAL_VALUE),  # not the key that is due
        (3, (KEYS[1], 1, 60), FAILURE),
        (1, (KEYS[0], 1, 9), ILLEGAL_VALUE),
        (1, (KEYS[0], 2, 60), ILLEGAL_VALUE),
    ):
        box = FakeBox()
        box.synthetic = True
        registers = Registers(box)
        _unlock(box)
        box.state = state
        source = bytearray()
        for word in (5,) + words:
            source += bytes((word >> 8, word & 255))
        assert registers.write(at - 1, 4, source, 0) == code, (state, words)
        assert (box.bench_grid, box.cleared, box.test_s, box.access._entered) == (0, 0, 0, 0)
        assert (box.access.open_s(box.uptime_s) == 0) == (code == ILLEGAL_VALUE and words[0] == KEYS[1])
        box.state = 1
        _unlock(box)
        source[3] = KEYS[0] & 255
        source[2], source[5], source[6], source[7] = KEYS[0] >> 8, 1, 0, 60
        assert registers.write(at - 1, 4, source, 0) == 0
        assert (box.bench_grid, box.cleared, box.test_s, box.access._entered) == (5, 1, 60, 1)


def test_asking_whether_a_test_can_be_leaves_one_that_runs():
    box = FakeBox()
    assert _write(box, "test_transfer", 60) == 0
    assert box.test_transfer(0) and box.test_s == 60


def test_a_wrong_key_closes_what_was_open():
    box = FakeBox()
    _unlock(box)
    assert _write(box, "unlock", 1) == ILLEGAL_VALUE and _read(box, "unlock") == 60  # no key at all
    assert _write(box, "unlock", KEYS[1]) == ILLEGAL_VALUE  # in the wrong place
    assert _read(box, "unlock") == 0
    assert _write(box, "unlock", KEYS[0]) == 0 and _read(box, "unlock") == 0


def test_the_lock_leaves_only_the_state_of_charge_and_the_keys():
    box = FakeBox()
    assert _write(box, "write_lock", 1) == 0 and _write(box, "commit", 1) == 0
    for name in REGISTERS:
        if REGISTERS[name][2] == "holding" and name not in ("soc", "unlock", "clock"):
            registers = Registers(box)
            assert registers.write(REGISTERS[name][1], 1, b"\0\1", 0) == ILLEGAL_ADDRESS, name
    assert _write(box, "clock", 0x6000, 0) == ILLEGAL_ADDRESS
    assert _write(box, "soc", 50) == 0
    _unlock(box)
    assert _write(box, "write_lock", 0) == 0 and _write(box, "commit", 1) == 0
    box.uptime_s += 100
    assert _write(box, "soc_stale_s", 70) == 0


def test_the_clock_is_set_by_both_words_at_once():
    box = FakeBox()
    assert _read(box, "clock") == 0
    assert _write(box, "clock", 0x6923, 0x4567) == 0
    assert box.clock_s == 0x69234567 == _read(box, "clock")
    registers = Registers(box)
    at = REGISTERS["clock"][1]
    for start, words in ((at, 1), (at + 1, 1), (at - 1, 2), (at - 8, 9)):
        assert registers.write(start, words, bytes(2 * words), 0) == ILLEGAL_ADDRESS, (start, words)
    for high in (0, 0x5E0B, 0xF486, 0xFFFF):  # before 2020, after 2100
        assert _write(box, "clock", high, 0) == ILLEGAL_VALUE
    assert box.clock_s == 0x69234567
    into = bytearray(2)
    assert registers.read(HOLDING, at + 1, 1, into, 0) == 0 and into == b"\x45\x67"  # half may be read


def test_too_many_commits_are_told_to_wait():
    box = FakeBox()
    for _ in range(10):
        assert _write(box, "commit", 1) == 0
        box.access.worn()
    assert _write(box, "soc_stale_s", 70) == 0
    assert _write(box, "commit", 1) == BUSY and _write(box, "clear_energy", 1) == BUSY
    assert _read(box, "settings_pending") == 1  # nothing is lost
    box.uptime_s += 60
    assert _write(box, "commit", 1) == 0 and box.settings["soc_stale_s"] == 70


def test_what_is_kept_for_later_takes_nothing_but_zero():
    box = FakeBox()
    registers = Registers(box)
    for address in (1007, SETTINGS_FIRST + len(SPEC), COMMIT - 1):
        assert registers.write(address, 1, b"\0\0", 0) == 0
        assert registers.write(address, 1, b"\0\1", 0) == ILLEGAL_VALUE


def test_what_another_unit_changed_is_never_hidden_by_a_setting_that_is_staged():
    box = FakeBox()
    registers = Registers(box)
    at = REGISTERS["restore_gap_s"][1]
    into = bytearray(2)
    assert box.change({"baud_rate": 19200}) == ""  # as a master of the SDM630 can
    assert registers.read(HOLDING, REGISTERS["baud_rate"][1], 1, into, 0) == 0 and into == b"\0\xc0"
    assert box.change({"baud_rate": 38400}) == ""
    assert registers.write(at, 1, b"\0\x64", 0) == 0
    assert registers.read(HOLDING, REGISTERS["baud_rate"][1], 1, into, 0) == 0 and into == b"\x01\x80"
    assert registers.read(HOLDING, at, 1, into, 0) == 0 and into == b"\0\x64"

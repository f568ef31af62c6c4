"""The running box over its pseudo-terminal, as a master sees it: pymodbus, bare bytes, and mbpoll.

Real time: nothing here sleeps for a fixed time, everything waits for what it needs and says what it missed.
"""

import json
import os
import shutil
import subprocess

import pytest
import serial
from pymodbus.exceptions import ModbusIOException

from host_tests.host.running_box import LIMITS, OUTAGE, PATIENCE_S, REGISTERS, SOUND, crc, started, wait_for


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    """A box on a sound grid, on MicroPython where there is one; the tests are its only master."""
    with started(tmp_path_factory, SOUND) as running:
        yield running


@pytest.fixture(scope="module")
def dark(tmp_path_factory):
    """A box that never sees a grid."""
    with started(tmp_path_factory, OUTAGE) as running:
        yield running


def test_what_is_printed(box):
    first = wait_for("the first line", lambda: box.lines and box.lines[0])
    assert first.startswith("Modbus RTU, unit 1, 9600 8N1: /dev/")
    assert first.endswith(f", linked at {box.tty}\n")
    assert os.path.realpath(box.tty) in first
    assert wait_for("the start", lambda: any("start" in line for line in box.lines))


@pytest.mark.parametrize("name", REGISTERS)
def test_every_register_can_be_read(box, name):
    value = box.value(name)
    assert isinstance(value, str if REGISTERS[name]["type"] == "ascii" else int | float)


def test_the_grid_is_measured(box):
    wait_for("state grid", lambda: box.state() == "grid")
    for n in (1, 2, 3):
        assert wait_for("the load voltage", lambda n=n: abs(box.value(f"load_voltage_l{n}") - 230) < 1.5)
        assert box.value(f"grid_voltage_l{n}") == pytest.approx(230, abs=1.5)
    assert wait_for("the power", lambda: box.value("grid_active_power_total") > 2000)
    assert box.value("grid_active_power_total") == pytest.approx(2400, rel=0.03)  # the plant's loads
    assert box.value("grid_current_l1") == pytest.approx(1000 / 230, rel=0.03)
    assert box.value("grid_power_factor_l1") == pytest.approx(1, abs=0.02)
    assert box.value("grid_frequency") == pytest.approx(50, abs=0.05)
    assert (box.words("coils"), box.words("phases_supplied")) == ([1], [7])
    assert (box.value("faults"), box.value("lost_blocks"), box.value("failing_phase")) == (0, 0, 0)


def test_a_block_is_read_at_once_and_not_beyond(box):
    assert len(box.client.read_input_registers(200, count=50, device_id=1).registers) == 50
    assert box.client.read_input_registers(200, count=51, device_id=1).exception_code == 2
    assert box.client.read_holding_registers(0, count=1, device_id=1).exception_code == 2
    assert box.client.read_input_registers(1000, count=1, device_id=1).exception_code == 2


def test_a_set_that_keeps_the_rules_is_committed(box):
    assert box.manage() == 0
    assert box.running() == LIMITS
    assert box.manage(soc_min_l1=10, soc_min_l2=11, soc_min_l3=100) == 0
    assert box.running()["soc_min_l3"] == 100


@pytest.mark.parametrize(
    "broken",
    [
        {"soc_min_l2": 20},
        {"soc_min_l1": 50},
        {"priority_l2": 1},
        {"priority_l1": 0},
        {"soc_min_l3": 0},
        {"priority_l1": 3, "priority_l3": 1},
    ],
)
def test_a_set_that_breaks_a_rule_is_refused_and_the_running_one_stays(box, broken):
    assert box.manage() == 0
    assert box.manage(**broken) == 3
    assert box.running() == LIMITS


def test_a_value_out_of_its_bounds_is_refused_at_once(box):
    assert box.manage() == 0
    for raw in (1, 5, 9, 101, 65535):
        assert box.write("soc_min_l1", raw) == 3, raw
    assert box.write("priority_l1", 4) == 3
    assert box.write("soc", 101) == 3
    assert box.write("commit", 2) == 3
    assert box.write("baud_rate", 97) == 3
    assert box.running() == LIMITS


def test_what_only_is_read_cannot_be_written(box):
    before = box.words("ct_ratio")
    assert box.write("ct_ratio", 2) == 2
    assert box.words("ct_ratio") == before
    first = REGISTERS["soc"]["address"]
    assert box.client.write_registers(first, [50, 1, 1], device_id=1).exception_code == 2  # soc .. ct_ratio
    assert box.write("meter_model", 1) == 2


def test_the_soc_takes_effect_at_once(box):
    assert box.write("soc", 57) == 0
    assert box.words("soc") == [57]
    assert box.value("soc_age_s") <= 2
    assert box.write("soc", 12) == 0
    assert box.words("soc") == [12]


def test_a_broadcast_is_executed_and_not_answered(box):
    high, low = divmod(REGISTERS["soc"]["address"], 256)
    assert box.exchange(0, 6, high, low, 0, 66, wait=0.5) == b""
    assert box.words("soc") == [66]


def test_functions(box):
    for function in (1, 2, 5, 15, 24, 100):
        reply = box.exchange(1, function, 0, 0, 0, 1)
        assert reply[:-2] == bytes((1, function | 0x80, 1)) and reply[-2:] == crc(reply[:-2])
    assert box.exchange(1, 3, 3, 232, 0, 1)[:3] == bytes((1, 3, 2))
    assert box.exchange(1, 4, 0, 0, 0, 2)[:7] == bytes((1, 4, 4)) + b"Back"
    assert box.exchange(9, 3, 3, 232, 0, 1, wait=0.3) == b""  # somebody else's


def test_a_damaged_frame_is_not_answered_and_the_next_one_is(box):
    box.client.close()
    with serial.Serial(str(box.tty), 9600, timeout=0.3) as port:
        for rubbish in (b"\x00", b"\x01\x03\x00\x00\x00\x01\x00\x00", b"\xff" * 300):
            port.write(rubbish)
            assert port.read(1) == b""
    assert box.client.connect()
    assert box.value("meter_model") == "BackupBox_PLUS"


def test_a_new_address_holds_after_the_reply(box):
    assert box.write("unit_address", 77) == 0
    assert box.words("unit_address") == [77]
    assert box.write("commit", 1) == 0  # answered from the old address
    try:
        assert box.value("meter_model", unit=77) == "BackupBox_PLUS"
        with pytest.raises(ModbusIOException):
            box.client.read_input_registers(0, count=8, device_id=1, no_response_expected=False)
    finally:
        assert box.write("unit_address", 1, unit=77) == 0
        assert box.write("commit", 1, unit=77) == 0
    assert box.value("meter_model") == "BackupBox_PLUS"


def test_load_management_takes_effect(dark):
    wait_for("backup", lambda: dark.words("phases_supplied") == [7])
    assert dark.state() == "backup"
    assert dark.words("coils") == [14]
    assert dark.write("soc", 35) == 0
    assert dark.manage(soc_min_l1=36) == 3
    assert dark.words("phases_supplied") == [7]
    assert dark.manage() == 0
    wait_for("L3 to be dropped", lambda: dark.words("phases_supplied") == [3])
    assert dark.words("coils") == [6]
    assert dark.write("soc", 25) == 0
    wait_for("L2 to be dropped", lambda: dark.words("phases_supplied") == [1])


def test_shedding_is_among_the_events(tmp_path_factory):
    with started(tmp_path_factory, OUTAGE) as box:
        wait_for("backup", lambda: box.words("phases_supplied") == [7])
        assert box.write("soc", 35) == 0
        assert box.manage() == 0
        wait_for("L3 to be dropped", lambda: box.words("phases_supplied") == [3])
    events = [json.loads(line) for line in box.events.read_text().splitlines()]
    shed = [event for event in events if event["event"] == "shed"]
    assert [{key: event[key] for key in event if key != "t_ms"} for event in shed] == [
        {"event": "shed", "phase": 3, "supplied": False, "soc": 35}
    ]


def test_on_cpython(tmp_path_factory):
    with started(tmp_path_factory, SOUND, "--cpython") as box:
        for name in REGISTERS:
            box.words(name)
        wait_for("state grid", lambda: box.state() == "grid")
        assert box.manage() == 0
        assert box.manage(priority_l3=2) == 3
        assert box.running() == LIMITS
        assert box.write("ct_ratio", 1) == 2


# -- mbpoll ------------------------------------------------------------------------------------------


def _mbpoll(box, *options, values=()):
    command = shutil.which("mbpoll")
    if command is None:
        pytest.skip("mbpoll is not installed (Debian: apt install mbpoll)")
    box.client.close()
    line = [command, "-m", "rtu", "-b", "9600", "-P", "none", "-a", "1", "-0", "-1", "-o", "2", *options]
    try:
        return subprocess.run(
            [*line, str(box.tty), *values], capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    finally:
        assert box.client.connect()


def test_mbpoll_reads_the_meter_model(box):
    entry = REGISTERS["meter_model"]
    done = _mbpoll(box, "-t", "3:hex", "-r", str(entry["address"]), "-c", str(entry["words"]))
    assert done.returncode == 0, done.stderr
    words = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("[")]
    assert bytes.fromhex("".join(word[2:] for word in words)).rstrip(b"\0") == b"BackupBox_PLUS"


def test_mbpoll_cannot_write_the_ct_ratio(box):
    done = _mbpoll(box, "-t", "4", "-r", str(REGISTERS["ct_ratio"]["address"]), values=["5"])
    assert "Illegal data address" in done.stdout + done.stderr
    assert box.words("ct_ratio") == [1]
    done = _mbpoll(box, "-t", "4", "-r", str(REGISTERS["soc"]["address"]), values=["44"])
    assert done.returncode == 0, done.stderr
    assert box.words("soc") == [44]

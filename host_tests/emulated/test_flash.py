"""`make flash` and its kin over mpremote, against the emulated Pico with a real MicroPython."""

import io
from contextlib import redirect_stderr, redirect_stdout

import pytest

from host_tests.emulated.serial_port import SerialPort
from tools.emulator import filesystem
from tools.flash import build, log, update
from tools.flash.__main__ import main
from tools.flash.link import LinkError, connect

PATIENCE_S = 60.0  # of the host's time; the emulated board is slower than a real one
KEPT = {"/data/settings.a": b"a user's settings", "/data/energy.b": b"counters", "/notes.txt": b"a user's"}


def _run(program, port, *arguments):
    """Return the exit code of a program, and what it said."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = program(["--port", port.path, "--patience", str(PATIENCE_S), *arguments])
    return code, said.getvalue()


def _disk(machine):
    return {"/" + path: content for path, content in filesystem.read(machine.disk()).items()}


def _start_with(machine, files):
    """Put other files on the board and switch it off and on."""
    machine.write_disk(filesystem.build({path.lstrip("/"): content for path, content in files.items()}))
    machine.reset()
    machine.resets.clear()


def test_a_new_pico_gets_the_firmware_and_keeps_what_is_not_of_it(repl):
    machine, tree = repl.machine, build.build_tree()
    with SerialPort(machine) as port:
        code, said = _run(main, port, "--no-start")
        assert code == 0, said
        assert "Raspberry Pi Pico with RP2040, MicroPython 1." in said
        assert f"copied     {len(tree)} files" in said
        assert _disk(machine) == tree

        with connect(port.path, PATIENCE_S) as link:
            link.run("import os\nos.mkdir('/data')")
            for path, content in KEPT.items():
                link.run(f"with open({path!r}, 'wb') as f: f.write({content!r})")
            link.run("with open('/firmware/stale.py', 'w') as f: f.write('x = 1')")
            link.run("os.remove('/firmware/box.mpy')")
        code, said = _run(main, port, "--no-start", "--board", "bench")
        assert code == 0, said
        assert f"copied     2 files, {len(tree['/firmware/box.mpy'])}" not in said
        assert "copied     2 files" in said and "  removed  /firmware/stale.py" in said
        assert "left alone notes.txt" in said or "left alone /notes.txt" in said
        bench = tree | {build.BOARD_CHOICE: build.board_choice("bench")}
        assert _disk(machine) == bench | KEPT

        code, said = _run(main, port, "--no-start")
        assert code == 0, said
        assert f"copied     0 files, 0 bytes; unchanged {len(tree)} files; removed 0" in said
        assert _disk(machine) == bench | KEPT

        code, said = _run(main, port, "--erase", "--yes")
        assert code == 0, said
        assert _disk(machine) == KEPT | {build.BOARD_CHOICE: bench[build.BOARD_CHOICE]}


def test_a_board_whose_watchdog_bites_over_and_over_is_caught_and_mended(repl):
    machine, tree = repl.machine, build.build_tree()
    crash = b"from machine import WDT\nWDT(timeout=1500)\nraise RuntimeError('as before')\n"
    _start_with(machine, tree | {"/main.py": crash})
    machine.run_until(lambda: len(machine.resets) >= 2, 10.0)
    with SerialPort(machine) as port:
        code, said = _run(main, port, "--no-start")
        assert code == 0, said
        before = len(machine.resets)
    assert _disk(machine) == tree
    machine.run(5.0)
    assert len(machine.resets) == before  # its watchdog is stopped
    assert {reset.cause for reset in machine.resets} == {"watchdog"}


def test_after_a_power_cut_the_box_does_not_start_and_says_why(repl):
    machine, tree = repl.machine, build.build_tree()
    old = tree | {"/firmware/box.mpy": b"M\x06\x00\x1f old", "/firmware/signals.mpy": b"M\x06\x00\x1f older"}
    _start_with(machine, old | {"/main.py": b"import firmware.box\n"})
    with SerialPort(machine) as port:
        since: list[int] = []
        whole = update._write

        def cut(files, path, content, say):
            if path == "/firmware/signals.mpy":
                since.append(len(machine.console.text))
                port.call(machine.reset)
                raise LinkError("the connection was lost")
            whole(files, path, content, say)

        update._write = cut
        code, said = _run(main, port, "--no-start")
        assert (code, "the connection was lost" in said) == (1, True), said
        update._write = whole
    assert _disk(machine)["/firmware/box.mpy"] == tree["/firmware/box.mpy"]  # half of it is there
    machine.run_until(lambda: ">>>" in machine.console.text[since[0] :], 3.0)
    told = machine.console.text[since[0] :]
    assert "not started, coils off: " in told and "make flash" in told, told
    with SerialPort(machine) as port:
        code, said = _run(main, port, "--no-start")
        assert code == 0, said
        assert "the last copy was not finished; it is now" in said
    assert _disk(machine) == tree


def test_a_running_box_tells_its_log_and_is_flashed_and_started_again(on_grid):
    box, machine = on_grid, on_grid.machine
    start_ns = machine.now_ns
    with SerialPort(machine) as port:
        code, said = _run(log.main, port, "--seconds", "20")
        assert code == 0, said
        assert "version=0.1.0" in said and "state=grid" in said
        assert (port.call(lambda: box.plant.coils), machine.resets) == (1, [])  # undisturbed

        code, said = _run(main, port)
        assert code == 0, said
        assert "copied     0 files, 0 bytes" in said
        assert "started; the box says:" in said
        assert ", up " in said  # the answer to `status`
    assert [reset.cause for reset in machine.resets] == ["software"]
    (opened,) = box.plant.edges_of("K_GRID", on=False, since_ns=start_ns)
    assert opened < machine.resets[0].t_ns


@pytest.mark.parametrize("phase", range(8))
def test_one_ctrl_c_stops_the_box_at_any_instant_of_a_block(on_grid, phase):
    """Also in the middle of the sampling interrupt, which would take the exception for its own."""
    box, machine = on_grid, on_grid.machine
    machine.run(phase * 0.0003)
    since = len(machine.console.text)
    machine.console.write(b"\x03")
    machine.run_until(lambda: machine.console.text.endswith(">>> "), 1.0)
    assert "backup box: stopped at the console" in machine.console.text[since:]
    assert box.plant.coils == 0
    machine.run(10.0)
    assert machine.resets == []  # its watchdog is stopped

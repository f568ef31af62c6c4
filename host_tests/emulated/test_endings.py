"""How the box ends, and how it comes back: crash, hang, Ctrl-C, bad files. The coils are always off."""

import pytest

from host_tests.emulated import boards
from host_tests.emulated.master import unlock, value, write
from tools.emulator.box import Box
from tools.flash.build import build_tree

FAULT, GRID = 5, 1
CRASHED = 1 << 14
WATCHDOG_S = 4.5  # 4 s, and the turn that it was fed in


def crash_main(condition: str) -> bytes:
    """Return a `main.py` whose box fails in its loop as soon as the condition on its state holds."""
    return f"""
import gc
gc.threshold(16384)
from firmware import app
from firmware.hardware import on_rp2
chosen = on_rp2.chosen
def broken():
    board = chosen()
    step = board.console.step
    turns = [0]
    def fail():
        turns[0] += 1
        {condition}
        return step()
    board.console.step = fail
    return board
on_rp2.chosen = broken
app.run()
""".encode()


def test_a_crash_opens_the_coils_tells_why_and_the_watchdog_restarts():
    box = Box(files={"main.py": crash_main("if board.coils.mask & 1 and turns[0] > 900: 1 // 0")})
    machine = box.machine
    machine.wait_for("ZeroDivisionError", 9.0)
    crashed_ns = machine.now_ns
    assert box.plant.edges_of("K_GRID", True) and box.plant.coils == 0
    machine.run_until(lambda: machine.resets, WATCHDOG_S)
    assert machine.resets[0].cause == "watchdog"
    assert "crashed, coils off, restart by the watchdog" in machine.console.text
    assert box.display.lines[0].strip() == "CRASHED, COILS OFF"
    assert box.display.lines[1].startswith("ZeroDivisionError")
    machine.wait_for("restarted_by_watchdog times=1", boards.BOOT_S)
    machine.console.write("log\r")
    machine.wait_for("ZeroDivisionError: ", 2.0)
    assert box.plant.edges_of("K_GRID", True, crashed_ns) == []


def test_three_crashes_end_in_a_safe_mode_that_answers_and_can_be_left():
    box = Box(files={"main.py": crash_main("if board.restarts.count < 3: raise MemoryError('on purpose')")})
    machine = box.machine
    machine.run_until(lambda: len(machine.resets) == 3, 3 * (WATCHDOG_S + boards.BOOT_S))
    machine.wait_for("SAFE MODE", boards.BOOT_S)
    machine.run(1.5)
    assert value(box, "state") == FAULT
    assert int(value(box, "faults")) & CRASHED
    assert value(box, "grid_voltage_l1") == 0 and value(box, "coils") == 0
    assert box.display.lines[0].startswith("SAFE MODE")
    assert box.display.lines[1].startswith("MemoryError")
    machine.run(6.0)
    assert len(machine.resets) == 3 and not box.plant.coil_edges, "it stays there, with the coils off"
    unlock(box)
    assert write(box, "reset_faults", 1) == 0
    machine.run_until(lambda: len(machine.resets) == 4, 1.0)
    assert machine.resets[3].cause == "software"
    machine.wait_for("MemoryError", boards.BOOT_S)  # it tries again: the count has begun anew


def test_a_loop_that_hangs_is_restarted_by_the_watchdog():
    box = Box(files={"main.py": crash_main("while board.coils.mask & 1 and turns[0] > 700: pass")})
    machine = box.machine
    machine.run_until(lambda: machine.resets, 8.0 + WATCHDOG_S)
    assert machine.resets[0].cause == "watchdog"
    assert box.plant.edges_of("K_GRID", True) and box.plant.coils == 0
    machine.wait_for("restarted_by_watchdog times=1", boards.BOOT_S)


def test_sampling_that_stops_opens_k_grid(on_grid):
    """As a converter's clock that breaks would: no more blocks, and nothing is known of the grid."""
    box, machine = on_grid, on_grid.machine
    now_ns = machine.now_ns
    machine.chip.pio[0].stop()
    machine.run_until(lambda: box.plant.edges_of("K_GRID", False, now_ns), 0.3)
    took_ms = (box.plant.edges_of("K_GRID", False, now_ns)[0] - now_ns) / 1e6
    assert took_ms <= 50
    return {"took_ms": round(took_ms, 1)}


def test_ctrl_c_stops_the_box_and_the_watchdog(on_grid):
    box, machine = on_grid, on_grid.machine
    assert box.plant.coils == 1
    machine.console.write("\x03")
    machine.wait_for("stopped at the console, coils off", 1.0)
    assert box.plant.coils == 0
    machine.run(6.0)
    assert not machine.resets and box.plant.coils == 0
    assert machine.execute("print(1 + 1)") == "2\n"


def test_a_part_of_the_box_that_is_missing_ends_in_safe_mode():
    box = Box(files={"firmware/transfer/gate.mpy": None})
    machine = box.machine
    machine.wait_for("ImportError: no module named 'firmware.transfer.gate'", boards.BOOT_S)
    machine.run_until(lambda: len(machine.resets) == 3, 3 * (WATCHDOG_S + boards.BOOT_S))
    machine.wait_for("SAFE MODE", boards.BOOT_S)
    assert value(box, "state") == FAULT and not box.plant.coil_edges


@pytest.mark.parametrize("name", ["firmware/app.mpy", "firmware/hardware/coils_rp2.mpy"])
def test_a_file_that_is_missing_is_told_and_tried_again_three_times(name):
    box = Box(files={name: None})
    machine = box.machine
    machine.wait_for("cannot be started", boards.BOOT_S)
    machine.run(1.0)
    assert "ImportError" in machine.console.text
    assert box.display.lines[0] == "NOT LOADED COILS OFF"
    assert box.display.lines[1].startswith("ImportError")
    machine.run_until(lambda: len(machine.resets) == 3, 30.0)
    machine.wait_for("given up", boards.BOOT_S)
    machine.run(10.0)
    assert len(machine.resets) == 3 and not box.plant.coil_edges


def test_a_pin_map_that_is_impossible_is_refused_before_anything_runs():
    source = build_source("board_pico", '("dip_1", 16)', '("dip_1", 8)')
    box = Box(files={"firmware/hardware/board_pico.mpy": None, "firmware/hardware/board_pico.py": source})
    box.machine.wait_for("pin 8 is named twice: mirror_k_grid and dip_1", boards.BOOT_S)
    box.machine.run(6.0)
    assert not box.machine.resets and not box.plant.coil_edges


def build_source(name: str, old: str, new: str) -> bytes:
    """Return a board file with one row changed."""
    with open(f"firmware/hardware/{name}.py") as file:
        text = file.read()
    assert old in text
    return text.replace(old, new).encode()


def test_damaged_settings_keep_the_coils_open_until_somebody_has_seen_it():
    damage = b"\x00" * 40
    box = Box(files={"data/settings.a": damage, "data/settings.b": damage})
    machine = box.machine
    machine.wait_for(" start ", boards.BOOT_S)
    machine.run(4.0)
    assert not box.plant.coil_edges
    assert int(value(box, "faults")) & 1 << 12, "the fault `settings`"
    unlock(box)
    assert write(box, "reset_faults", 1) == 0
    machine.run_until(lambda: box.plant.edges_of("K_GRID", True), 4.0)


def test_settings_survive_a_reset_and_a_pulled_plug(on_grid):
    box, machine = on_grid, on_grid.machine
    assert write(box, "stagger_ms", 350) == 0
    assert write(box, "commit", 1) == 0
    machine.run(0.5)
    machine.reset()
    machine.wait_for(" start ", boards.BOOT_S)
    machine.run(0.2)
    assert value(box, "stagger_ms") == 350


def test_every_board_file_is_in_the_tree():
    for board in ("pico", "pico_adc", "bench"):
        tree = build_tree(board)
        assert f"/firmware/hardware/board_{board}.mpy" in tree

"""Boards in the states that tests begin from."""

from types import SimpleNamespace

from tools.bench_chip.outages import BUSY_MAIN
from tools.emulator import filesystem, image
from tools.emulator.box import Box
from tools.emulator.machine import Machine

BOOT_S = 3.0  # emulated time that the box may take from power-on to the first turn of its loop
GRID_S = 4.0  # and from there until it has joined the house to a good grid


def at_repl() -> SimpleNamespace:
    """Return a Pico with an empty file system at its prompt, as `machine`."""
    machine = Machine(image.find(), filesystem.build({}))
    machine.execute("import gc")
    return SimpleNamespace(machine=machine)


def busy() -> Box:
    """Return the box on the grid with a `main.py` that makes it busy."""
    return on_grid({"main.py": BUSY_MAIN.read_bytes()})


def on_grid(files: dict | None = None) -> Box:
    """Return the box, joined to the grid for a second."""
    box = Box(files=files)
    machine = box.machine
    machine.run_until(lambda: box.plant.edges_of("K_GRID", True), BOOT_S + GRID_S)
    machine.run(1.0)
    return box

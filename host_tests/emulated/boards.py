"""Boards in the states that tests begin from."""

from types import SimpleNamespace

from tools.bench_chip.measure import stored
from tools.bench_chip.outages import BUSY_MAIN
from tools.bench_chip.turnaround import PROFILES
from tools.emulator import filesystem, image
from tools.emulator.box import Box
from tools.emulator.machine import Machine
from tools.flash.build import board_script, build_tree

BOOT_S = 3.0  # emulated time that the box may take from power-on to the first turn of its loop
GRID_S = 4.0  # and from there until it has joined the house to a good grid


def at_repl() -> SimpleNamespace:
    """Return a Pico with an empty file system at its prompt, as `machine`."""
    machine = Machine(image.find(), filesystem.build({}))
    machine.execute("import gc")
    return SimpleNamespace(machine=machine)


def modules() -> SimpleNamespace:
    """Return a Pico at its prompt with the box's modules loaded but no box: `machine`, and its sample rings.

    `rings` are the addresses of both, `depth` the blocks in them.
    """
    files = {path.lstrip("/"): content for path, content in build_tree("pico").items()}
    del files["main.py"]
    machine = Machine(image.find(), filesystem.build(files))
    # The rings first, as in the box: code would leave no hole that is large enough. Deep, for tests that fill
    # them with many blocks at once.
    code = (
        "import gc\ngc.threshold(16384)\nfrom uctypes import addressof\n"
        "from firmware.acquire.layout import Ring\nring = Ring(176)\n"
        "from firmware.acquire.calibration import Calibration\n"
        "from firmware.store.settings import defaults\n"
        "from firmware.supervise.front_end import FrontEnd\n"
        "from firmware.hardware import thumb\n"
        "print(addressof(ring.a), addressof(ring.b), ring.depth)"
    )
    said = machine.execute(board_script(code))
    first, second, depth = map(int, said.split())
    return SimpleNamespace(machine=machine, rings=(first, second), depth=depth)


def busy() -> Box:
    """Return the box on the grid with a `main.py` that makes it busy."""
    return on_grid({"main.py": BUSY_MAIN.read_bytes()})


def profiled() -> Box:
    """Return the box as `busy` does, with all four profiles on and at 115200 baud."""
    files = stored({**PROFILES, "baud_rate": 115200})
    box = on_grid({**files, "main.py": BUSY_MAIN.read_bytes()})
    box.line.baud = 115200
    return box


def on_grid(files: dict | None = None) -> Box:
    """Return the box, joined to the grid for a second."""
    box = Box(files=files)
    machine = box.machine
    machine.run_until(lambda: box.plant.edges_of("K_GRID", True), BOOT_S + GRID_S)
    machine.run(1.0)
    return box

"""From the fault on a grid phase to the coil of K_GRID, at many angles, while the loop is busy.

Times are from the moment that the voltage changes at the converter's input to the edge at the coil's pin.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.emulator.box import Box
from tools.emulator.master import read_request

# The box with two more commands at its console, which make the loop busy.
BUSY_MAIN = Path(__file__).parent / "on_board" / "busy_main.py"
LOADS = ("quiet", "collecting", "replying", "displaying")
SETS = ((0,), (1,), (2,), (0, 1, 2))  # phases that fail together
NOMINAL_V = 230.0
INTERRUPTION_V = 0.0
DIP_V = 0.44 * NOMINAL_V
# 2.5 ms, a block, is an eighth of a cycle: steps of 9/64 go through all angles and all places in a block.
_STEP = 9 / 64
_CYCLE_S = 0.02


class NotBusyError(AssertionError):
    """The loop did not do what it was told to be busy with: the time would be one of a quiet loop."""


def cases(angles: int) -> Iterator[tuple[tuple[int, ...], float]]:
    """Yield phases that fail, and the part of a cycle (0 to 1) at which they do."""
    for phases in SETS:
        for step in range(angles):
            yield phases, step * _STEP % 1.0


def trip_ms(box: Box, load: str, phases: Iterable[int], volts: float, part: float) -> float:
    """Return how long it took; `part` of a cycle decides the angle. The box runs BUSY_MAIN."""
    machine, plant = box.machine, box.plant
    start_s = machine.now_s + 0.005 + part * _CYCLE_S
    if load == "collecting":
        machine.console.write("collect\r")
        start_s += 0.03
    elif load == "replying":
        exchange = box.line.send(read_request(100, 125))
        start_s += (exchange.request_end_ns / 1e9 - machine.now_s) - 0.005
    elif load == "displaying":
        machine.console.write("scribble\r")
        start_s += 0.03
    before = box.display.characters
    level = [volts if phase in phases else NOMINAL_V for phase in range(3)]
    plant.schedule(start_s, grid_v=level)
    machine.run_until(lambda: plant.edges_of("K_GRID", False, start_s * 1e9), 0.2)
    if load == "displaying" and box.display.characters == before:
        raise NotBusyError("the display was not being written")
    if load == "collecting" and machine.console.find("collecting") is None:
        raise NotBusyError("the loop was not collecting")
    return plant.edges_of("K_GRID", False, start_s * 1e9)[0] / 1e6 - start_s * 1000

"""`python -m tools.emulator.bench`: emulated seconds per second of processor time."""

import time

from tools.emulator import filesystem, image
from tools.emulator.box import Box
from tools.emulator.devices.mcp3208 import Mcp3208Pair
from tools.emulator.machine import SLOW_BECAUSE, Machine
from tools.flash.build import board_script, build_tree

SAMPLER = """
import time, micropython
from firmware.hardware.mcp3208_rp2 import Mcp3208Sampler
pins = {"adc_mosi": 3, "adc_clock": 4, "adc_cs": 5, "adc_data_a": 6, "adc_data_b": 7}
sampler = Mcp3208Sampler(pins, time.ticks_us)
sampler.start(lambda number: None)
@micropython.viper
def spin(turns: int):
    n = 0
    while n < turns:
        n += 1
"""
TURNS = 2_000_000  # 12 cycles each


def speed(machine: Machine, seconds: float, code: str = "") -> float:
    """Return the speed over an emulated time, or while `code` runs on the board."""
    emulated, wall = machine.now_s, time.process_time()
    if code:
        machine.execute(code, seconds)
    else:
        machine.run(seconds)
    return (machine.now_s - emulated) / (time.process_time() - wall)


def main() -> None:
    """Print three figures."""
    if SLOW_BECAUSE:
        print(f"not compiled: {SLOW_BECAUSE}")
    box = Box()
    print(f"boot, importing the firmware      {speed(box.machine, 0.8):6.3f}")
    files = build_tree()
    del files["/main.py"]
    converters = Mcp3208Pair(lambda channel, t_ns: (2048, 2048))
    machine = Machine(image.find(), filesystem.build(files), [converters])
    machine.execute(board_script(SAMPLER))
    print(f"converters and a busy loop        {speed(machine, 5, f'spin({TURNS})'):6.3f}")
    box.machine.run_until(lambda: box.plant.edges_of("K_GRID", True), 8)
    print(f"the box, on the grid              {speed(box.machine, 1.0):6.3f}")


if __name__ == "__main__":
    main()

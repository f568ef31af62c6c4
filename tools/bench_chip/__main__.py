"""`python -m tools.bench_chip`: times and memory on the emulated RP2040, in emulated time."""

from tools.emulator import image
from tools.emulator.box import Box
from tools.flash.build import build_tree

# The box as it is shipped, with a clock around the block function.
MAIN = b"""
import gc
gc.threshold(16384)
import time
from array import array
from firmware.app import find_board
board = find_board()
from firmware.box import Box
box = Box(board)
gc.collect()
gc.threshold(-1)
print("heap", gc.mem_free())
took = array("H", [0] * 400)
turns = array("H", [0] * 1000)
count = [0]
ticks = time.ticks_us
block = box.front_end.on_block
def timed(number):
    t = ticks()
    block(number)
    took[count[0] % 400] = ticks() - t & 0xFFFF
    count[0] += 1
board.sampler.start(timed)
while box.state != 1 or box.uptime_ms < 5000:
    box.step(ticks())
for n in range(1000):
    t = ticks()
    box.step(t)
    turns[n] = min(ticks() - t, 65535)
board.coils.write(0, board.coils.trips)
board.sampler.stop()
board.restarts.stop_watchdog()
t = ticks()
gc.collect()
print("gc", ticks() - t)
print("blocks", sorted(took))
print("turns", sorted(turns))
"""


def main() -> None:
    """Print the table, or one line when there is no image."""
    try:
        uf2 = image.find()
    except image.ImageError as error:
        print(f"on the chip: skipped, {error}")
        return
    print(f"on the emulated chip ({uf2.name}):")
    shipped = Box(uf2=uf2)
    started = shipped.machine.wait_for(" start ", 4.0)
    shipped.machine.run_until(lambda: shipped.plant.edges_of("K_GRID", True), 6.0)
    closed = shipped.plant.edges_of("K_GRID", True)[0]
    box = Box(files={"main.py": MAIN}, uf2=uf2)
    box.machine.wait_for("turns [", 20.0)
    lines = {line.text.split()[0]: line.text for line in box.machine.console.lines if line.text}
    blocks = _numbers(lines["blocks"])
    turns = _numbers(lines["turns"])
    size = sum(len(content) for content in build_tree().values())
    for what, figure in (
        ("power-on to the first turn of the loop, s", f"{started / 1e9:.2f}"),
        ("power-on to K_GRID closed on a sound grid, s", f"{closed / 1e9:.2f}"),
        ("block function: median, worst, us", f"{blocks[len(blocks) // 2]}, {blocks[-1]}"),
        ("share of the CPU, %, entry of the interrupt not counted", f"{sum(blocks) / len(blocks) / 25:.1f}"),
        ("turn of the loop: median, 99 %, us", f"{turns[500]}, {turns[989]}"),
        ("collector, us", lines["gc"].split()[1]),
        ("free heap after start, bytes", lines["heap"].split()[1]),
        ("files on the flash, bytes", str(size)),
    ):
        print(f"  {what:56} {figure}")


def _numbers(line: str) -> list[int]:
    return [int(number) for number in line.partition("[")[2].rstrip("]").split(",")]


if __name__ == "__main__":
    main()

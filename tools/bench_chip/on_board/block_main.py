"""The `main.py` that times the box: block function, interrupt, turns of the loop, a collection.

The whole interrupt, with entry and exit, is what it takes away from a loop that does nothing. Then sampling
stops, and the same blocks of the ring go through the block function and through the plain one (plain.py):
what they take, whether they leave the same words, what they allocate.
"""

# mypy: disable-error-code="attr-defined"

import gc

gc.threshold(16384)

import time  # noqa: E402
from array import array  # noqa: E402

from firmware.app import find_board  # noqa: E402

board = find_board()

from firmware.box import Box  # noqa: E402
from firmware.hardware.thumb import sum_block  # noqa: E402

box = Box(board)
gc.collect()
gc.threshold(-1)

GRID = 1  # signals.GRID
TURNS = 1000
BLOCKS = 800  # 2 s
HOP = 40  # blocks
COMPARED = 80  # whole cycles of everything: cycle of 8 blocks, transform of 16, hop of 40
# Blocks back from the newest: whole cycles.
BACK = 160
EXPECTED = 48 + 9  # firmware/measure/memory.py
QUARTER = 48 + 7
BLOCK_BYTES = 128
BLOCK_WORDS = 64
CYCLE = 8  # blocks

took = array("H", (0 for _ in range(BLOCKS)))
turns = array("H", (0 for _ in range(TURNS)))
ticks_us, ticks_diff = time.ticks_us, time.ticks_diff
block = box.front_end.on_block


def clocked(block, ticks_us):
    """Return the block function with a clock around it; a search for global names would be measured too."""
    count = [0]

    def timed(number):
        start = ticks_us()
        block(number)
        end = ticks_us()
        took[count[0] % BLOCKS] = end - start & 0xFFFF
        count[0] += 1

    return timed


board.sampler.start(clocked(block, ticks_us))
while box.state != GRID or box.uptime_ms < 5000:
    box.step(ticks_us())
for n in range(TURNS):
    start = ticks_us()
    box.step(start)
    turns[n] = min(ticks_diff(ticks_us(), start), 65535)
board.coils.write(0, board.coils.trips)
board.restarts.stop_watchdog()


def turns_of_nothing(ticks_us, ticks_diff):
    """Return how often a loop that does nothing goes round in two seconds."""
    count = 0
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < 2000000:
        count += 1
    return count


board.sampler._source._on_block = block  # without the clock
sampling = turns_of_nothing(ticks_us, ticks_diff)
words = box.front_end.memory.words
print("swept")  # from here on the grid has 50 Hz
last = words[EXPECTED] + 2 * BACK
while words[EXPECTED] < last:
    time.sleep_ms(1)
board.sampler.stop()
print("turns_of_nothing", sampling, turns_of_nothing(ticks_us, ticks_diff))
start = ticks_us()
board.collect()
print("gc", ticks_diff(ticks_us(), start))
print("blocks", sorted(took))
print("turns", sorted(turns))

from plain import PlainBlocks  # type: ignore[import-not-found]  # noqa: E402

from firmware.acquire.layout import Ring  # noqa: E402

# The box's own ring is a block more than a cycle: going round in it, the grid's angle would jump.
ring = Ring(2 * CYCLE)
newest = board.sampler.ring
for number in range(words[EXPECTED] - CYCLE, words[EXPECTED]):
    start = number % newest.depth * BLOCK_WORDS
    for at in (number % CYCLE * BLOCK_WORDS, (number % CYCLE + CYCLE) * BLOCK_WORDS):
        ring.a[at : at + BLOCK_WORDS] = newest.a[start : start + BLOCK_WORDS]
        ring.b[at : at + BLOCK_WORDS] = newest.b[start : start + BLOCK_WORDS]
box.front_end.memory.set_ring(ring)
plain = PlainBlocks(ring, array("i", words), box.front_end.open_grid)
first = words[EXPECTED] - BACK


def time_each(on_block, ticks_us):
    """Return what each block took, in microseconds, sorted."""
    times = []
    for number in range(first, first + COMPARED):
        if number & 7 == 0:
            gc.collect()  # so that none falls into a block
        start = ticks_us()
        on_block(number)
        end = ticks_us()
        times.append(ticks_diff(end, start))
    return sorted(times)


print("viper", time_each(block, ticks_us))
print("plain", time_each(plain.on_block, ticks_us))
print("equal", words == plain.words)


def time_sums(sums, unit, place_of_memory, ticks_us):
    """Return what the sums of each block alone take, sorted; `unit` is the length of a block."""
    times = []
    depth = ring.depth
    for number in range(first, first + COMPARED):
        words[QUARTER] = (number + depth - 2) % depth * BLOCK_BYTES
        at = number % depth * unit
        other = place_of_memory or (number + depth - 2) % depth * unit
        if number & 7 == 0:
            gc.collect()
        start = ticks_us()
        sums(at, other)
        end = ticks_us()
        times.append(ticks_diff(end, start))
    return sorted(times)


print("viper_sums", time_sums(sum_block, BLOCK_BYTES, box.front_end.memory.address, ticks_us))
print("plain_sums", time_sums(plain._sum, BLOCK_BYTES // 2, 0, ticks_us))
gc.disable()


def allocated(on_block):
    """Return the most bytes that one of the blocks of a hop takes."""
    most = 0
    for number in range(first + COMPARED, first + COMPARED + HOP):
        gc.collect()
        used = gc.mem_alloc()
        on_block(number)
        most = max(most, gc.mem_alloc() - used)
    return most


print("allocated", allocated(block), allocated(plain.on_block))
print("measured")

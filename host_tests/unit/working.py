"""The interrupt's working memory as tests see it: places by name (measure/memory.py), sums by value."""

from firmware.acquire.layout import Ring
from firmware.measure.memory import Memory

NUMBER, NOW, QUARTER, BEFORE, EXPECTED, BLOCKS, LOST = 53, 54, 55, 56, 57, 58, 59
CYCLE_POSITION, CYCLES, HOP_POSITION, HOPS = 60, 61, 62, 63
GOOD_BLOCKS, UNSETTLED, TRIP_REASON, TRIP_PHASE, ARMED = 64, 65, 66, 67, 68
REST, LEVEL, HALF, ROW, NEUTRAL, JUDGED = 72, 81, 90, 93, 96, 99
LIMIT_DIP, SOUND_LOW, SOUND_HIGH = 102, 105, 108
ROW_SAMPLES, ROW_REFERENCES, UNDER, OVER, BAD = 111, 114, 117, 120, 123
HISTORY, SPECTRUM, CYCLE_QUEUE, HOP_QUEUE, CYCLE_TABLE, HOP_WEIGHTS = 144, 288, 300, 348, 1236, 1268

HOP_WORDS, HOP_BLOCKS, QUEUE, WEIGHT_TOP, ROW_TOP = 111, 40, 8, 255, 255
PLAIN_BIAS, PRODUCT_BIAS = 1 << 14, 1 << 25

# Place and bias of the 42 sums in their order: x, y, xx, yy, xy, x'y of six slots; plain and squared of
# three.
SUM_PLACES = [8 * slot + n for slot in range(6) for n in range(6)] + [6, 7, 14, 15, 22, 23]
SUM_BIASES = ([PLAIN_BIAS] * 2 + [PRODUCT_BIAS] * 4) * 6 + [PLAIN_BIAS, PRODUCT_BIAS] * 3


def with_ring(depth):
    """Return a memory and the ring that it knows; both are to be kept."""
    memory, ring = Memory(), Ring(depth)
    memory.set_ring(ring)
    return memory, ring


def place_block(memory, now, quarter, before, number=0):
    """Say which blocks of the ring are the present one, and those a quarter cycle and a cycle earlier."""
    words = memory.words
    words[NOW], words[QUARTER], words[BEFORE], words[NUMBER] = 128 * now, 128 * quarter, 128 * before, number


def sums_of(memory):
    """Return the 42 sums."""
    return [memory.words[place] - bias for place, bias in zip(SUM_PLACES, SUM_BIASES)]


def put_sums(memory, values):
    """Set the 42 sums."""
    for n in range(42):
        memory.words[SUM_PLACES[n]] = values[n] + SUM_BIASES[n]

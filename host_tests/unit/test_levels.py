"""The running levels against plain sums over the last blocks, for all nine voltages with their offsets."""

from firmware.acquire.layout import MID_CODE, VOLTAGE_CHANNELS
from firmware.measure.kernel import sum_block
from firmware.measure.levels import HALF_SAMPLES, LEVEL_SAMPLES, VOLTAGES, Levels
from firmware.measure.look import look
from host_tests.unit.waves import Random
from host_tests.unit.working import place_block, with_ring


def _square(words, slot, rest):
    return sum([(words[8 * scan + slot] - rest) ** 2 for scan in range(8)])


def _run(make_code, blocks, rests, first=0):
    memory, ring = with_ring(8)
    levels = Levels(memory)
    for channel in range(VOLTAGES):
        levels.rest[channel] = rests[channel]
    history = [[0] * 8 for _ in range(VOLTAGES)]
    for number in range(first, first + blocks):
        now = number % 8
        for words in (ring.a, ring.b):
            for at in range(64 * now, 64 * now + 64):
                words[at] = make_code()
        place_block(memory, now, 0, 0, number & 0x3FFFFFFF)
        sum_block(128 * now, memory.address)
        look(memory.address)
        for channel in range(VOLTAGES):
            place = VOLTAGE_CHANNELS[channel]
            codes = (ring.a, ring.b)[place // 8][64 * now : 64 * now + 64]
            past = history[channel]
            past.insert(0, _square(codes, place % 8, rests[channel]))
            past.pop()
            half = past[0] + past[1] + past[2] + past[3]
            before = past[2] + past[3] + past[4] + past[5]
            if channel < 3:
                assert levels.half[channel] == half, (number, channel)
            assert levels.level[channel] == half + before, (number, channel)
    return levels


def test_random_codes_with_a_different_offset_on_each_channel():
    random = Random(5)
    rests = [MID_CODE + d for d in (0, 1, -1, 400, -400, 37, -250, 250, 399)]
    _run(lambda: random.below(4096), 30, rests)


def test_blocks_are_told_apart_across_the_wrap_of_their_number():
    random = Random(6)
    _run(lambda: 1500 + random.below(1000), 24, [MID_CODE + 5] * VOLTAGES, 0x40000000 - 9)


def test_railed_inputs_stay_within_the_ranges_of_the_docstring():
    for code in (0, 4095):
        levels = _run(lambda code=code: code, 12, [MID_CODE] * VOLTAGES)
        assert max(levels.half) <= 1 << 27 and max(levels.level) <= 1 << 28
    # The offset moves at most 400 counts: a railed input is then 2447 counts away.
    levels = _run(lambda: 4095, 12, [MID_CODE - 400] * VOLTAGES)
    assert levels.level[0] == 64 * 2447**2
    for code, rest in ((0, 4095), (4095, 0)):  # whatever the rest code
        levels = _run(lambda code=code: code, 12, [rest] * VOLTAGES)
        assert list(levels.level) == [64 * 4095**2] * VOLTAGES and 64 * 4095**2 < 1 << 30


def test_a_rest_that_is_right_leaves_nothing_of_a_constant_input():
    levels = _run(lambda: 2300, 12, [2300] * VOLTAGES)
    assert list(levels.level) == [0] * VOLTAGES and list(levels.half) == [0] * 3


def test_the_counts_of_samples_are_those_of_the_sums():
    levels = _run(lambda: MID_CODE + 10, 12, [MID_CODE] * VOLTAGES)
    assert levels.half[0] == 100 * HALF_SAMPLES and levels.level[0] == 100 * LEVEL_SAMPLES


def test_block_numbers_wrap_where_the_ring_and_the_level_history_do():
    from firmware.acquire.layout import NUMBERS, RAW_BLOCKS, RING_BLOCKS

    assert NUMBERS % RING_BLOCKS == 0 and NUMBERS % RAW_BLOCKS == 0 and NUMBERS % 8 == 0
    assert 0x40000000 - RING_BLOCKS * RAW_BLOCKS <= NUMBERS < 0x40000000

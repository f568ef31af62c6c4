"""The running levels against plain sums over the last blocks, for all nine voltages with their offsets."""

from array import array

from firmware.acquire.layout import MID_CODE, VOLTAGE_CHANNELS
from firmware.measure.kernel import SUMS, sum_block
from firmware.measure.levels import HALF_SAMPLES, LEVEL_SAMPLES, VOLTAGES, Levels
from host_tests.unit.waves import Random


def _square(words, slot, rest):
    return sum([(words[8 * scan + slot] - rest) ** 2 for scan in range(8)])


def _run(make_code, blocks, rests, first=0):
    levels = Levels()
    for channel in range(VOLTAGES):
        levels.rest[channel] = rests[channel]
    history = [[0] * 8 for _ in range(VOLTAGES)]
    sums = array("i", [0] * SUMS)
    for number in range(first, first + blocks):
        chips = [array("H", [make_code() for _ in range(64)]) for _ in range(2)]
        sum_block(chips[0], chips[1], 0, 0, sums)
        levels.update(sums, number & 0x3FFFFFFF)
        for channel in range(VOLTAGES):
            place = VOLTAGE_CHANNELS[channel]
            past = history[channel]
            past.insert(0, _square(chips[place // 8], place % 8, rests[channel]))
            past.pop()
            half = past[0] + past[1] + past[2] + past[3]
            before = past[2] + past[3] + past[4] + past[5]
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
        for channel in range(VOLTAGES):
            assert levels.half[channel] <= 1 << 27 and levels.level[channel] <= 1 << 28
    # The offset moves at most 400 counts: a railed input is then 2448 counts away, 2^28.6.
    levels = _run(lambda: 4095, 12, [MID_CODE - 400] * VOLTAGES)
    assert levels.level[0] == 64 * 2447**2 < 0x7FFFFFFF


def test_a_rest_that_is_right_leaves_nothing_of_a_constant_input():
    levels = _run(lambda: 2300, 12, [2300] * VOLTAGES)
    assert list(levels.level) == [0] * VOLTAGES == list(levels.half)


def test_the_counts_of_samples_are_those_of_the_sums():
    levels = _run(lambda: MID_CODE + 10, 12, [MID_CODE] * VOLTAGES)
    assert levels.half[0] == 100 * HALF_SAMPLES and levels.level[0] == 100 * LEVEL_SAMPLES


def test_block_numbers_wrap_where_the_ring_and_the_level_history_do():
    from firmware.acquire.layout import NUMBERS, RING_BLOCKS

    assert NUMBERS % RING_BLOCKS == 0 and NUMBERS % 8 == 0
    assert 0x40000000 - RING_BLOCKS <= NUMBERS < 0x40000000

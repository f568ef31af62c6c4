"""The made-up grid: amplitudes, phases and frequency of every scene, and the table it is made of."""

import math
from array import array

from firmware.acquire.layout import BLOCK_WORDS
from firmware.acquire.synthetic import FREQUENCY, NOMINAL, SCENES, SOUND, WORDS, sine_table, synthesise


def _play(scene, blocks=64):
    """Return the samples of each of the 16 channels over some blocks."""
    step, peaks = SCENES[scene]
    now = array("i", [0] * WORDS)
    now[1] = step
    for n in range(3):
        now[2 + n], now[5 + n], now[8 + n], now[11 + n] = peaks[n], peaks[n] // 2, NOMINAL, 100
    a, b, table = array("H", [2048] * BLOCK_WORDS), array("H", [2048] * BLOCK_WORDS), sine_table()
    channels = [[] for _ in range(16)]
    for _ in range(blocks):
        synthesise(a, b, 0, table, now)
        for scan in range(8):
            for slot in range(8):
                channels[slot].append(a[8 * scan + slot] - 2048)
                channels[8 + slot].append(b[8 * scan + slot] - 2048)
    return channels


def _peak(samples):
    return math.sqrt(2 * sum([x * x for x in samples]) / len(samples))


def test_every_scene_has_its_amplitudes_and_the_backup_output_is_always_sound():
    for scene in range(len(SCENES)):
        channels = _play(scene, 80)
        peaks = SCENES[scene][1]
        for n in range(3):
            assert abs(_peak(channels[n]) - peaks[n]) < 4 + peaks[n] * 0.01, (scene, n)
            assert abs(_peak(channels[3 + n]) - peaks[n] // 2) < 4 + peaks[n] * 0.01
            assert abs(_peak(channels[8 + n]) - 100) < 3
        for channel in (6, 7, 14):  # B1, B2, B3
            assert abs(_peak(channels[channel]) - NOMINAL) < 20, (scene, channel)
        assert not any(channels[15])


def test_l2_lags_l1_by_a_third_of_a_turn_and_l3_by_two():
    channels = _play(SOUND, 8)
    for n in range(3):
        real = sum([x * math.sin(2 * math.pi * k / 64) for k, x in enumerate(channels[n])])
        imaginary = sum([x * math.cos(2 * math.pi * k / 64) for k, x in enumerate(channels[n])])
        lag = -math.degrees(math.atan2(imaginary, real)) % 360
        assert abs((lag - 120 * n + 180) % 360 - 180) < 1, (n, lag)


def test_the_wrong_frequency_is_52_hz():
    samples = _play(FREQUENCY, 400)[0]  # one second
    rising = [k for k in range(1, len(samples)) if samples[k - 1] < 0 <= samples[k]]
    periods = len(rising) - 1
    assert abs(3200 * periods / (rising[-1] - rising[0]) - 52) < 0.05


def test_all_codes_stay_inside_twelve_bits():
    for scene in range(len(SCENES)):
        for channel in _play(scene, 8):
            assert min(channel) >= -2048 and max(channel) <= 2047

"""The bare Pico's conversions, folded into scans: averages, and the current moved back onto the voltage."""

import math
from array import array

from firmware.acquire.layout import BLOCK_WORDS
from firmware.acquire.rounds import BLOCK_CONVERSIONS, fold


def _fold(conversions, last=2048):
    a, b = array("H", [7] * (2 * BLOCK_WORDS)), array("H", [7] * (2 * BLOCK_WORDS))
    memory = array("i", (last,))
    raw = array("H", [0] * 10 + list(conversions))
    fold(raw, 10, a, b, BLOCK_WORDS, memory)
    return a, b, memory[0]


def test_each_input_goes_to_its_slot_and_nothing_else_is_touched():
    a, b, last = _fold([1000, 2000, 3000] * 32, 2000)
    assert [a[BLOCK_WORDS + 8 * scan] for scan in range(8)] == [1000] * 8
    assert [a[BLOCK_WORDS + 8 * scan + 6] for scan in range(8)] == [3000] * 8
    assert [b[BLOCK_WORDS + 8 * scan] for scan in range(8)] == [2000] * 8
    assert last == 2000
    assert list(a[:BLOCK_WORDS]) == [7] * BLOCK_WORDS == list(b[:BLOCK_WORDS])
    assert [a[BLOCK_WORDS + 1], b[BLOCK_WORDS + 6]] == [7, 7]


def test_the_rails_stay_inside_twelve_bits():
    for code in (0, 4095):
        a, b, last = _fold([code] * BLOCK_CONVERSIONS, code)
        places = range(BLOCK_WORDS, 2 * BLOCK_WORDS, 8)
        assert [a[at] for at in places] == [b[at] for at in places] == [code] * 8
        assert last == code


def test_voltage_and_current_of_a_resistor_are_in_phase():
    """Sines sampled as the converter does it; their product must show no angle between them."""
    rounds_hz, hz = 12800, 50

    def code(t):
        return int(2048.5 + 1600 * math.sin(2 * math.pi * hz * t))

    raw = []
    for n in range(33 * 8 * 4):
        t = n / rounds_hz
        raw += [code(t), code(t + 1 / (3 * rounds_hz)), 2048]
    memory = array("i", (2048,))
    v, i = [], []
    for block in range(33):
        a, b = array("H", [0] * BLOCK_WORDS), array("H", [0] * BLOCK_WORDS)
        conversions = array("H", raw[block * BLOCK_CONVERSIONS : (block + 1) * BLOCK_CONVERSIONS])
        fold(conversions, 0, a, b, 0, memory)
        if block:  # the first scan has no round before it
            v += [a[8 * scan] - 2048 for scan in range(8)]
            i += [b[8 * scan] - 2048 for scan in range(8)]
    cosine = [math.cos(2 * math.pi * n / 64) for n in range(len(v))]
    sine = [math.sin(2 * math.pi * n / 64) for n in range(len(v))]
    angles = []
    for row in (v, i):
        real = sum([x * s for x, s in zip(row, sine)])
        imaginary = sum([x * c for x, c in zip(row, cosine)])
        angles.append(math.degrees(math.atan2(imaginary, real)))
    assert abs(angles[0] - angles[1]) < 0.02, angles

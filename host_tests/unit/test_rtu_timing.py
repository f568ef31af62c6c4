"""The silence that ends a frame, against the table of the specification."""

from firmware.hardware.rtu_timing import silence_us


def test_three_and_a_half_characters_up_to_19200_baud():
    for baud, exact_us in ((1200, 29166.67), (2400, 14583.33), (9600, 3645.83), (19200, 1822.92)):
        assert 0 <= silence_us(baud) - exact_us < 1


def test_1750_us_above():
    for baud in (19201, 38400, 57600, 115200):
        assert silence_us(baud) == 1750

"""The silence that ends a frame, against the table of the specification."""

from firmware.hardware.rtu_timing import FORMAT_8E1, FORMAT_8N1, FORMAT_8N2, FORMAT_8O1, silence_us

OF_11_BITS = (FORMAT_8E1, FORMAT_8O1, FORMAT_8N2)


def test_the_codes_are_those_of_the_meter():
    assert (FORMAT_8N1, FORMAT_8E1, FORMAT_8O1, FORMAT_8N2) == (0, 1, 2, 3)


def test_three_and_a_half_characters_of_10_bits_up_to_19200_baud():
    for baud, exact_us in ((1200, 29166.67), (2400, 14583.33), (9600, 3645.83), (19200, 1822.92)):
        assert 0 <= silence_us(baud) - exact_us < 1
        assert silence_us(baud, FORMAT_8N1) == silence_us(baud)


def test_three_and_a_half_characters_of_11_bits_up_to_19200_baud():
    for baud, exact_us in ((1200, 32083.33), (2400, 16041.67), (9600, 4010.42), (19200, 2005.21)):
        for line_format in OF_11_BITS:
            assert 0 <= silence_us(baud, line_format) - exact_us < 1


def test_1750_us_above():
    for baud in (19201, 38400, 57600, 115200):
        for line_format in (FORMAT_8N1, FORMAT_8E1, FORMAT_8O1, FORMAT_8N2):
            assert silence_us(baud, line_format) == 1750

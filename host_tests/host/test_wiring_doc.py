"""docs/wiring.md says the same as the pin map, boot.py and the calibration."""

import pathlib
import re

from firmware.acquire.calibration import FULL_SCALE_A, FULL_SCALE_V
from firmware.acquire.synthetic import SCENES
from firmware.hardware import board_bench, board_pico, board_pico_adc

SMALL = (pathlib.Path(__file__).parents[2] / "docs" / "small-boards.md").read_text()
TEXT = (pathlib.Path(__file__).parents[2] / "docs" / "wiring.md").read_text()
PINS = dict(board_pico.PINS)


def _rows(text: str = TEXT) -> list[tuple[str, int, int]]:
    rows = re.findall(r"^\| (\w+) \| GP(\d+) \| (\d+) \| [^|]+ \|$", text, re.MULTILINE)
    return [(function, int(gpio), int(package)) for function, gpio, package in rows]


def _package_pin(gpio: int) -> int:
    """Return the package pin of a GPIO: a ground pin after every four, other pins from 30 on."""
    edge = {26: 31, 27: 32, 28: 34}
    if gpio in edge:
        return edge[gpio]
    side = gpio if gpio < 16 else gpio - 16
    return (1 if gpio < 16 else 21) + side + (side + 2) // 4


def test_the_table_is_the_pin_map():
    rows = _rows()
    assert {function: gpio for function, gpio, _ in rows} == PINS
    assert len(rows) == len(PINS)


def test_the_tables_of_the_smaller_boards_are_their_pin_maps():
    single, bench = SMALL.split("## A Pico on the desk")
    for text, board in ((single, board_pico_adc), (bench, board_bench)):
        rows = _rows(text)
        assert {function: gpio for function, gpio, _ in rows} == dict(board.PINS), board.NAME
        for function, gpio, package in rows:
            assert package == _package_pin(gpio), function
    assert len(re.findall(r"^\| \d \| ", bench, re.MULTILINE)) == len(SCENES)


def test_package_pins_are_right():
    known = {0: 1, 1: 2, 2: 4, 5: 7, 6: 9, 15: 20, 16: 21, 18: 24, 21: 27, 22: 29, 26: 31, 28: 34}
    assert {gpio: _package_pin(gpio) for gpio in known} == known
    for function, gpio, package in _rows():
        assert package == _package_pin(gpio), function


def test_every_pin_is_in_the_table_or_accounted_for():
    mentioned = {gpio for _, gpio, _ in _rows()} | {28} | {23, 24, 25, 29}
    assert mentioned == set(range(30))
    assert "GP28 (pin 34) is free" in TEXT


def test_the_interlock_drawing_has_the_coil_pins():
    for coil, function in (
        ("K_GRID", "coil_k_grid"),
        ("Q_L1", "coil_q_l1"),
        ("Q_L2", "coil_q_l2"),
        ("Q_L3", "coil_q_l3"),
    ):
        assert re.search(rf"\( {coil} \)-+ driver GP{PINS[function]} ", TEXT), coil


def test_the_converter_table_has_the_pins_of_the_map():
    for label, a, b in (
        ("/CS/SHDN", "adc_cs", "adc_cs"),
        ("DIN", "adc_mosi", "adc_mosi"),
        ("DOUT", "adc_data_a", "adc_data_b"),
        ("CLK", "adc_clock", "adc_clock"),
    ):
        assert f"| {label} | GP{PINS[a]} | GP{PINS[b]} |" in TEXT, label


def test_the_channel_order_is_the_block_layout():
    from firmware.acquire.layout import CHANNELS, SLOTS

    for slot in range(SLOTS):
        row = re.search(rf"^\| CH{slot} \| (\w+) \| (\w+)", TEXT, re.MULTILINE)
        assert row and row.groups() == (CHANNELS[slot], CHANNELS[SLOTS + slot])


def test_full_scale_and_display_address_are_those_of_the_firmware():
    assert f"**{FULL_SCALE_V:g} V peak or {FULL_SCALE_A:g} A peak is 1.5 V" in TEXT
    assert f"address 0x{board_pico.LCD_ADDRESS:02X}" in TEXT


def test_it_is_plain_ascii_and_opens_with_the_warning():
    assert TEXT.isascii()
    first = TEXT.split("\n\n")[1]
    for words in (
        "Mains voltage",
        "qualified electricians",
        "mechanical interlock",
        "not a certified disconnecting device",
    ):
        assert words in first

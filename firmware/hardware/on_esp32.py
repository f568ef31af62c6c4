"""The ESP32 as a board: its pin map is checked, its drivers do not exist yet."""

import boot
from firmware.hardware import board_esp32
from firmware.hardware.board import Board, BoardError
from firmware.hardware.pin_check import check_pins


def chosen() -> Board:
    """Return the board of this chip; see build."""
    return build(board_esp32)


def build(pin_map) -> Board:
    """Raise PinMapError for a bad map, BoardError for any other: nothing here can run a box yet."""
    check_pins(pin_map, boot.COIL_PINS)
    raise BoardError("%s: the ESP32 drivers do not exist yet; use a Pico" % pin_map.NAME)

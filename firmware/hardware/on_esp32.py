"""The ESP32 as a board: its pin map is checked, its drivers do not exist yet."""

import boot
from firmware.hardware import board_esp32
from firmware.hardware.board import Board, BoardError, check_pins


def build(pin_map=board_esp32) -> Board:
    """Raise PinMapError for a bad map, BoardError for any other: nothing here can run a box yet."""
    check_pins(pin_map, boot.COIL_PINS)
    raise BoardError("%s: the ESP32 drivers do not exist yet; use a Pico" % pin_map.NAME)

"""The Pico as a board: the drivers, put together by a checked pin map."""

import time

from machine import I2C, Pin

import boot  # for its pin numbers; that it turns every coil off once more is welcome
from firmware.hardware import board_pico
from firmware.hardware.board import COILS, Board, check_pins
from firmware.hardware.coils_rp2 import Coils
from firmware.hardware.flash import FlashStorage
from firmware.hardware.inputs import Inputs
from firmware.hardware.lcd import Lcd
from firmware.hardware.rs485_rp2 import Rs485Port
from firmware.hardware.watchdog import Watchdog

_LCD_HZ = 100000  # the PCF8574's limit
_LCD_TIMEOUT_US = 5000  # a bus held low must not hold the loop


def build(pin_map=board_pico) -> Board:
    """Return the board with every coil off and the watchdog running, to be fed from now on.

    PinMapError, before any pin is touched but by boot.py, for a map that is impossible. There is no
    sampler yet.
    """
    pins = check_pins(pin_map, boot.COIL_PINS)
    ticks_us = time.ticks_us  # type: ignore[attr-defined]  # the checker sees CPython's time
    sleep_ms = time.sleep_ms  # type: ignore[attr-defined]
    coils = Coils(tuple([pins[function] for function in COILS if function in pins]))
    port = Rs485Port(pin_map.RS485_UART, pins["rs485_tx"], pins["rs485_rx"], pins["rs485_de"], ticks_us)
    display, remarks = _display(pin_map, pins, sleep_ms)
    return Board(
        name=pin_map.NAME,
        coils=coils,
        inputs=Inputs(pins),
        port=port,
        storage=FlashStorage(),
        watchdog=Watchdog(),
        ticks_us=ticks_us,
        display=display,
        phases=pin_map.PHASES,
        remarks=remarks,
    )


def _display(pin_map, pins: dict, sleep_ms) -> tuple:
    """Return the display and remarks; a display that does not answer is remarked on, no more."""
    if "lcd_sda" not in pins:
        return None, ()
    i2c = I2C(
        pin_map.LCD_I2C,
        scl=Pin(pins["lcd_scl"]),
        sda=Pin(pins["lcd_sda"]),
        freq=_LCD_HZ,
        timeout=_LCD_TIMEOUT_US,
    )
    try:
        return Lcd(i2c, pin_map.LCD_ADDRESS, sleep_ms), ()
    except OSError:
        return None, ("no display answers at I2C address 0x%02X" % pin_map.LCD_ADDRESS,)

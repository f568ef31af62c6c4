"""The Pico as a board: the drivers, put together by a checked pin map."""

import time
from binascii import hexlify

from machine import I2C, Pin, reset, unique_id

import boot  # for its pin numbers; that it turns every coil off once more is welcome
from firmware.hardware import thumb
from firmware.hardware.board import Board, BoardError
from firmware.hardware.coils_rp2 import Coils
from firmware.hardware.flash import FlashStorage
from firmware.hardware.inputs import Inputs
from firmware.hardware.lcd import Lcd
from firmware.hardware.pin_check import COILS, check_pins
from firmware.hardware.restarts import Restarts
from firmware.hardware.rs485_rp2 import Rs485Port
from firmware.hardware.sampling_rp2 import BlockSource, RingDma
from firmware.hardware.usb_console import UsbConsole
from firmware.hardware.watchdog import Watchdog

# What only this module needs, and itself. The board file that was chosen comes to it.
_START_ONLY = (
    "boot",
    "board_choice",
    "firmware.hardware.interpreter",
    "firmware.hardware.chips",
    "firmware.hardware.pin_check",
    "firmware.hardware.on_rp2",
)
# And what is made here once, with the sampler. Not Lcd and Restarts: last_words.py may need them again.
_MADE_ONCE = (Board, Coils, FlashStorage, Inputs, Rs485Port, UsbConsole, Watchdog, BlockSource, RingDma)
_LCD_HZ = 100000  # the PCF8574's limit
_LCD_TIMEOUT_US = 5000  # a bus held low must not hold the loop


def chosen() -> Board:
    """Return the board that `board_choice.py` (written by `make flash`) names, or the reference board."""
    try:
        from board_choice import BOARD  # type: ignore[import-not-found]
    except ImportError:
        BOARD = "pico"  # noqa: N806
    try:
        pin_map = __import__("firmware.hardware.board_" + BOARD, None, None, ("PINS",))
    except ImportError:
        raise BoardError("board_choice.py names the board %s, which has no file" % BOARD)  # noqa: B904
    return build(pin_map)


def build(pin_map) -> Board:
    """Return the board with every coil off and the watchdog running, to be fed from now on.

    PinMapError, before any pin is touched but by boot.py, for a map that is impossible; BoardError for a
    chip that runs at another clock.
    """
    pins = check_pins(pin_map, boot.COIL_PINS)
    ticks_us = time.ticks_us  # type: ignore[attr-defined]  # the checker sees CPython's time
    sleep_ms = time.sleep_ms  # type: ignore[attr-defined]
    coils = Coils(tuple([pins[function] for function in COILS if function in pins]))
    restarts = Restarts()
    sampler = _sampler(pin_map, pins, coils, ticks_us)  # first: it needs the largest pieces of memory
    watchdog = Watchdog()
    display, remarks = _display(pin_map, pins, sleep_ms)
    return Board(
        name=pin_map.NAME,
        coils=coils,
        inputs=Inputs(pins),
        port=Rs485Port(pins["rs485_tx"], pins["rs485_rx"], pins["rs485_de"], ticks_us),
        storage=FlashStorage(),
        watchdog=watchdog,
        ticks_us=ticks_us,
        sampler=sampler,
        display=display,
        console=UsbConsole(),
        restarts=restarts,
        reset=reset,
        phases=pin_map.PHASES,
        synthetic=pin_map.FRONT_END == "synthetic",
        load_bus=pin_map.FRONT_END != "adc",
        remarks=remarks,
        serial=hexlify(unique_id()),
        kernel=thumb,
        start_only=_START_ONLY + (pin_map.__name__,),
        made_once=_MADE_ONCE + (type(sampler),),
    )


def _sampler(pin_map, pins: dict, coils: Coils, ticks_us):
    """Return what samples on this board; only its driver is loaded."""
    if pin_map.FRONT_END == "mcp3208":
        from firmware.hardware.mcp3208_rp2 import Mcp3208Sampler

        wanted = {function: pins[function] for function in pins if function.startswith("adc_")}
        return Mcp3208Sampler(wanted, ticks_us)  # it keeps them: the names of the others take 1 KB
    if pin_map.FRONT_END == "adc":
        from firmware.hardware.adc_rp2 import AdcSampler

        return AdcSampler(ticks_us)
    from firmware.hardware.synthetic_rp2 import SyntheticSampler

    return SyntheticSampler(coils, ticks_us)


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

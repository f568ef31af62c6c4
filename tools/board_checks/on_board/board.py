"""The board's side of the checks, run first: the pin map that the box starts with.

The other files import these names for the reader's and the checker's sake; the host leaves such lines out
when it sends them, because on the board all of it is one namespace.
"""

import json
import time

from board_choice import BOARD  # type: ignore[import-not-found]  # make flash writes it
from machine import mem32

import boot
from firmware.hardware.pin_check import COILS, check_pins

_WATCHDOG_CLEAR = 0x4005B000  # RP2040 datasheet, 4.7: what is written one here becomes zero in CTRL
_WATCHDOG_ENABLE = 1 << 30

ticks_ms = time.ticks_ms  # type: ignore[attr-defined]  # the checker sees CPython's time
ticks_us = time.ticks_us  # type: ignore[attr-defined]
ticks_diff = time.ticks_diff  # type: ignore[attr-defined]
sleep_ms = time.sleep_ms  # type: ignore[attr-defined]

pin_map = __import__("firmware.hardware.board_" + BOARD, None, None, ("PINS",))
pins = check_pins(pin_map, boot.COIL_PINS)
coil_pins = tuple([pins[function] for function in COILS if function in pins])


def tell(**facts):
    """Print facts for the host."""
    print(json.dumps(facts))


def stop_watchdog():
    """Stop the watchdog that a check has started: while a person thinks, nobody feeds it."""
    mem32[_WATCHDOG_CLEAR] = _WATCHDOG_ENABLE


def describe():
    """Tell what this board is."""
    tell(
        name=pin_map.NAME,
        file="board_" + BOARD + ".py",
        phases=pin_map.PHASES,
        front_end=pin_map.FRONT_END,
        display="lcd_sda" in pins,
        page_key="page_key" in pins,
    )

"""For when the firmware cannot be loaded: the reason on the display, and another try by the watchdog.

Needs as few of its files as possible, because the trouble may be with any of them.
"""

import time

from machine import I2C, WDT, Pin

from firmware.hardware.restarts import Restarts

_TRIES = 3
_RETRY_MS = 8000  # time to read the console, and to interrupt it


def show(error: Exception) -> None:
    """Show `error` and start the watchdog, which is never fed; after the third time leave the chip alone."""
    restarts = Restarts()
    reason = "%s: %s" % (type(error).__name__, error)
    if restarts.count < _TRIES:
        restarts.running()
        WDT(timeout=_RETRY_MS)
        last = "RESTART IN %d S" % (_RETRY_MS // 1000)
    else:
        last = "GIVEN UP"
    print("backup box: %s" % last.lower())
    from firmware.hardware import board_pico  # the display has the same pins on every board
    from firmware.hardware.lcd import Lcd

    pins = dict(board_pico.PINS)
    i2c = I2C(
        board_pico.LCD_I2C, scl=Pin(pins["lcd_scl"]), sda=Pin(pins["lcd_sda"]), freq=100000, timeout=5000
    )
    display = Lcd(i2c, board_pico.LCD_ADDRESS, time.sleep_ms)  # type: ignore[attr-defined]
    lines = ["%-20s" % line[:20] for line in ("NOT LOADED COILS OFF", reason, reason[20:], last)]
    for _ in range(100):
        display.show(lines)

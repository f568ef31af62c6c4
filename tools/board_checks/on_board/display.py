"""Writes to the display."""

from machine import I2C, Pin

from firmware.hardware.lcd import Lcd
from tools.board_checks.on_board.board import pin_map, pins, sleep_ms, tell


def show(lines):
    """Write four lines; tell whether a display answered, and which addresses on the bus do."""
    i2c = I2C(pin_map.LCD_I2C, scl=Pin(pins["lcd_scl"]), sda=Pin(pins["lcd_sda"]), freq=100000, timeout=5000)
    answered = True
    try:
        lcd = Lcd(i2c, pin_map.LCD_ADDRESS, sleep_ms)
        for _ in range(200):  # a call writes three characters at most
            lcd.show(lines)
        answered = not lcd.lost
    except OSError:
        answered = False
    tell(answered=answered, address=pin_map.LCD_ADDRESS, found=[] if answered else i2c.scan())

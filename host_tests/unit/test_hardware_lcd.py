"""The character display: what is on the glass, how long a call may take, and what if there is none."""

import sys

sys.path.insert(0, "host_tests/shims")

import machine
from lcd_glass import LcdGlass

from firmware.hardware.lcd import Lcd

ADDRESS = 0x27
PAGE = ["Grid 230 229 231 V", "Load 12.3 kW", "SOC 56 %", "Backup in 310 s"]
LONGEST_US = 1000


def _lcd():
    machine.power_on()
    glass = LcdGlass()
    machine.attach_i2c(ADDRESS, glass)
    bus = machine.I2C(1, scl=machine.Pin(15), sda=machine.Pin(14), freq=100000, timeout=5000)
    lcd = Lcd(bus, ADDRESS, glass.wait_ms)
    machine.i2c_traffic()
    return lcd, glass


def _settle(lcd, lines):
    """Show the same lines until nothing more is sent; return how many calls that took."""
    for calls in range(200):
        lcd.show(lines)
        traffic = machine.i2c_traffic()
        if not traffic and not any(lcd._dirty) and not lcd._column:
            return calls
        assert sum([count for _, count in traffic]) * 90 <= LONGEST_US, "a call must be short"
    raise AssertionError("never settles")


def _filled(lines):
    return [(line + " " * 20)[:20] for line in lines]


def test_it_starts_blank_and_on():
    _lcd_driver, glass = _lcd()
    assert glass.text() == [" " * 20] * 4
    assert glass.backlight


def test_a_page_appears_in_short_calls():
    lcd, glass = _lcd()
    _settle(lcd, PAGE)
    assert glass.text() == _filled(PAGE)


def test_every_place_of_the_glass_is_reached():
    lcd, glass = _lcd()
    lines = ["".join([chr(65 + (row * 20 + column) % 26) for column in range(20)]) for row in range(4)]
    _settle(lcd, lines)
    assert glass.text() == lines


def test_nothing_is_sent_when_nothing_changed():
    lcd, _glass = _lcd()
    _settle(lcd, PAGE)
    for _ in range(10):
        lcd.show(PAGE)
    assert machine.i2c_traffic() == []


def test_only_what_changed_is_written():
    lcd, glass = _lcd()
    _settle(lcd, PAGE)
    written = glass.characters
    changed = PAGE[:3] + ["Backup in 309 s"]
    _settle(lcd, changed)
    assert glass.text() == _filled(changed)
    assert glass.characters - written <= 3


def test_lines_are_cut_and_filled():
    lcd, glass = _lcd()
    _settle(lcd, ["x" * 30, "", "abc", "y" * 20])
    assert glass.text() == ["x" * 20, " " * 20, "abc" + " " * 17, "y" * 20]
    _settle(lcd, ["", "", "", ""])
    assert glass.text() == [" " * 20] * 4


def test_signs_that_the_glass_lacks_become_question_marks():
    lcd, glass = _lcd()
    _settle(lcd, ["a\\b~c\u20acd", "", "", ""])
    assert glass.text()[0][:7] == "a?b?c?d"


def test_a_line_that_keeps_changing_does_not_hold_up_the_others():
    lcd, glass = _lcd()
    for number in range(80):
        lcd.show(["count %d" % number] + PAGE[1:])
    assert glass.text()[1:] == _filled(PAGE[1:])
    machine.i2c_traffic()
    _settle(lcd, ["count 39"] + PAGE[1:])
    assert glass.text() == _filled(["count 39"] + PAGE[1:])


def test_an_absent_display_is_an_os_error():
    machine.power_on()
    bus = machine.I2C(1, scl=machine.Pin(15), sda=machine.Pin(14), freq=100000, timeout=5000)
    try:
        Lcd(bus, ADDRESS, LcdGlass().wait_ms)
    except OSError:
        return
    raise AssertionError("an absent display went unnoticed")


def test_a_display_that_is_pulled_off_is_left_alone():
    lcd, _glass = _lcd()
    _settle(lcd, PAGE)
    machine.detach_i2c(ADDRESS)
    lcd.show(["", "", "", ""])
    lcd.show(PAGE)
    assert lcd.lost
    lcd.show(["", "", "", ""])
    assert machine.i2c_traffic() == []

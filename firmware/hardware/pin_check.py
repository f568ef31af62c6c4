"""The check that a pin map passes before anything runs. Not kept in memory afterwards."""

from firmware.hardware.board import PinMapError
from firmware.hardware.chips import CHIPS

COILS = ("coil_k_grid", "coil_q_l1", "coil_q_l2", "coil_q_l3")
MIRRORS = ("mirror_k_grid", "mirror_q_l1", "mirror_q_l2", "mirror_q_l3")
SWITCHES = ("switch_auto", "switch_bypass")
DIPS = ("dip_1", "dip_2", "dip_3", "dip_4")
PORT = ("rs485_tx", "rs485_rx", "rs485_de")
LCD = ("lcd_sda", "lcd_scl")
# What converts: two MCP3208, the RP2040's own converter, or nothing (a made-up grid, for the bench).
FRONT_ENDS = {
    "mcp3208": ("adc_clock", "adc_cs", "adc_mosi", "adc_data_a", "adc_data_b"),
    "adc": ("adc_v1", "adc_i1", "adc_b1"),
    "synthetic": (),
}
BENCH = "BENCH"  # the name of a board with a made-up grid begins with it, and no other's does
# An expander is read over I2C, too slowly for mirror contacts and not at all for what the chip drives.
_SLOW = SWITCHES + DIPS + ("page_key",)


def check_pins(pin_map, boot_pins: tuple) -> dict:
    """Return the pins of a board file as `{function: gpio}`, or raise PinMapError.

    `pin_map` has NAME, CHIP, PHASES (1 or 3), FRONT_END, PINS (rows of function and GPIO number), LCD_I2C,
    EXPANDER (functions on an I2C expander) and on an ESP32 RS485_UART; `boot_pins` are the pins that boot.py
    switches off.
    """
    if pin_map.CHIP not in CHIPS:
        raise PinMapError("there are no pin rules for the chip %s" % pin_map.CHIP)
    if pin_map.PHASES not in (1, 3):
        raise PinMapError("a box has 1 or 3 phases, not %s" % pin_map.PHASES)
    if pin_map.FRONT_END not in FRONT_ENDS:
        raise PinMapError("there is no front end %s" % pin_map.FRONT_END)
    if (pin_map.FRONT_END == "synthetic") != pin_map.NAME.startswith(BENCH):
        raise PinMapError(
            "a board whose grid is made up, and no other, has a name that begins with %s" % BENCH
        )
    if pin_map.FRONT_END == "adc" and pin_map.PHASES != 1:
        raise PinMapError("the chip's own converter has inputs for a single phase only")
    pins = _collect(pin_map)
    _check_complete(pin_map, pins)
    _check_chip(pin_map, pins)
    _check_boot(pin_map, boot_pins)
    return pins


def _collect(pin_map) -> dict:
    """Return the rows as a dict, having refused what is named twice."""
    pins: dict = {}
    owners: dict = {}
    for function, gpio in pin_map.PINS:
        if not isinstance(gpio, int) or isinstance(gpio, bool):
            raise PinMapError("%s: %s is not a pin number" % (function, gpio))
        if function in pins or function in pin_map.EXPANDER:
            raise PinMapError("%s is named twice" % function)
        if gpio in owners:
            raise PinMapError("pin %d is named twice: %s and %s" % (gpio, owners[gpio], function))
        pins[function] = gpio
        owners[gpio] = function
    for function in pin_map.EXPANDER:
        if function not in _SLOW:
            raise PinMapError("%s cannot be on the expander" % function)
    if len(set(pin_map.EXPANDER)) != len(pin_map.EXPANDER) or len(pin_map.EXPANDER) > 8:
        raise PinMapError("the expander has 8 inputs, each for one function")
    if pin_map.EXPANDER and LCD[0] not in pins:
        raise PinMapError("the expander needs the I2C pins %s and %s" % LCD)
    return pins


def _check_complete(pin_map, pins: dict) -> None:
    """Refuse a map that lacks a function or names one that the board does not have."""
    count = pin_map.PHASES + 1
    required = COILS[:count] + MIRRORS[:count] + SWITCHES + DIPS + PORT + FRONT_ENDS[pin_map.FRONT_END]
    for function in required:
        if function not in pins and function not in pin_map.EXPANDER:
            raise PinMapError("%s is missing" % function)
    for function, _gpio in pin_map.PINS:  # in the builder's order: a dict has none on the board
        if function not in required and function not in LCD and function != "page_key":
            raise PinMapError("%s is not a function of this board" % function)
    if (LCD[0] in pins) != (LCD[1] in pins):
        raise PinMapError("%s and %s go together" % LCD)


def _check_chip(pin_map, pins: dict) -> None:
    """Refuse a pin that the chip does not have or that cannot do what it is asked."""
    refuse = CHIPS[pin_map.CHIP]
    for function, gpio in pin_map.PINS:
        reason = refuse(function, gpio, pin_map)
        if reason:
            raise PinMapError("%s: %s" % (function, reason))
    if pin_map.CHIP == "rp2040" and "adc_clock" in pins and pins["adc_cs"] != pins["adc_clock"] + 1:
        raise PinMapError("adc_cs must be the pin after adc_clock: PIO drives neighbours")


def _check_boot(pin_map, boot_pins: tuple) -> None:
    """Refuse a coil that boot.py would leave floating, and anything else where boot.py drives."""
    for function, gpio in pin_map.PINS:
        if function in COILS and gpio not in boot_pins:
            raise PinMapError("%s: boot.py does not switch off pin %d" % (function, gpio))
        if function not in COILS and gpio in boot_pins:
            raise PinMapError("%s: boot.py drives pin %d low, as a coil" % (function, gpio))

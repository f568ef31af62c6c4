"""boot.py: every coil off, nothing else touched, and nothing else needed."""

import sys

sys.path.insert(0, "host_tests/shims")

import machine

from firmware.hardware import board_bench, board_esp32, board_pico, board_pico_adc
from firmware.hardware.pin_check import COILS


def _run_boot():
    machine.power_on()
    names = {"__name__": "boot"}
    with open("boot.py") as file:
        exec(file.read(), names)
    return names["COIL_PINS"]


def test_every_coil_is_driven_low_and_never_high():
    for gpio in _run_boot():
        assert machine.pin_is_output(gpio)
        assert machine.pin_edges(gpio) == [(0, 0)], gpio


def test_nothing_else_is_touched():
    assert machine.configured_pins() == sorted(_run_boot())
    assert machine.register_writes() == []
    assert not machine.watchdog_running()


def test_it_needs_nothing_but_machine():
    with open("boot.py") as file:
        imports = [line for line in file if "import " in line and line[0] != " "]
    assert imports == ["from machine import Pin\n"], imports


def test_it_agrees_with_every_board_file():
    boot_pins = _run_boot()
    for board in (board_pico, board_pico_adc, board_bench, board_esp32):
        pins = dict(board.PINS)
        coils = tuple([pins[coil] for coil in COILS if coil in pins])
        assert coils == boot_pins[: len(coils)] and len(coils) == board.PHASES + 1, board.NAME


def test_it_turns_off_coils_left_on_by_a_soft_reset():
    boot_pins = _run_boot()
    for gpio in boot_pins:
        machine.Pin(gpio, machine.Pin.OUT, value=1)
    with open("boot.py") as file:
        exec(file.read(), {"__name__": "boot"})
    for gpio in boot_pins:
        assert machine.pin_level(gpio) == 0

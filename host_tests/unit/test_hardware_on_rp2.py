"""The Pico put together from its pin map, on the modelled chip; the watchdog; the ESP32's refusal."""

import sys
import time

sys.path.insert(0, "host_tests/shims")

import machine
import thumb  # in the place of firmware.hardware.thumb
from lcd_glass import LcdGlass

from firmware.acquire.layout import RAW_BLOCKS, RING_BLOCKS
from firmware.hardware import board_bench, board_esp32, board_pico, board_pico_adc, on_esp32, on_rp2
from firmware.hardware.board import BoardError, PinMapError
from firmware.hardware.watchdog import Watchdog
from firmware.signals import ALL_COILS, IN_AUTO, IN_BYPASS, K_GRID
from tools.simulator.board import PlainConsole

PINS = dict(board_pico.PINS)


class Clock:
    """Gives CPython's `time` the two functions of MicroPython's for as long as a build takes."""

    def __init__(self, glass):
        self.glass = glass

    def __enter__(self):
        self.before = {name: getattr(time, name, None) for name in ("ticks_us", "sleep_ms")}
        if self.before["ticks_us"] is None:
            time.ticks_us = lambda: machine.now_us() & 0x3FFFFFFF
            time.sleep_ms = self.glass.wait_ms
        return self

    def __exit__(self, *exception):
        for name, function in self.before.items():
            if function is None:
                delattr(time, name)


def _build(pin_map=board_pico, display=True):
    machine.power_on()
    glass = LcdGlass()
    glass.wait_ms(1000)  # on MicroPython the real clock sleeps, and the glass does not see it
    if display:
        machine.attach_i2c(board_pico.LCD_ADDRESS, _Patient(glass))
    console, on_rp2.UsbConsole = on_rp2.UsbConsole, PlainConsole  # pytest has taken the real one
    try:
        with Clock(glass):
            return on_rp2.build(pin_map), glass
    finally:
        on_rp2.UsbConsole = console


class _Patient:
    """The glass, each transfer long after the one before: sleeping is the display test's matter."""

    def __init__(self, glass):
        self.glass = glass

    def port_written(self, byte, byte_us):
        self.glass.port_written(byte, byte_us + 5000)


def test_the_board_is_complete_and_off():
    board, glass = _build()
    assert board.name == board_pico.NAME and board.phases == 3 and not board.synthetic
    assert board.coils.mask == 0 and board.load_bus and board.remarks == ()
    assert board.sampler.ring.depth == RING_BLOCKS and board.restarts.count == 0
    assert board.sampler._source._state[2] == RAW_BLOCKS, "deep enough for a flash erase"
    assert board.sampler.ring.packed_depth == RAW_BLOCKS
    assert board.kernel is thumb
    assert board.inputs.read() == ALL_COILS | IN_BYPASS
    assert board.storage.root == "/data"
    assert glass.text() == [" " * 20] * 4
    assert isinstance(board.ticks_us(), int)


def test_the_drivers_are_on_the_pins_of_the_map():
    board, _glass = _build()
    board.coils.write(K_GRID, 0)
    assert machine.pin_level(PINS["coil_k_grid"]) == 1
    machine.close_contact(PINS["switch_auto"])
    assert board.inputs.read() & IN_AUTO
    board.port.write(b"a", 1)
    machine.advance_us(200)
    assert machine.pin_level(PINS["rs485_de"]) == 1
    machine.advance_us(2000)
    assert machine.pin_level(PINS["rs485_de"]) == 0
    assert len(machine.pin_edges(PINS["rs485_tx"])) > 2


def test_every_pin_of_the_map_is_configured_and_no_other():
    _build()
    assert machine.configured_pins() == sorted(PINS.values())


def test_the_single_phase_board_samples_with_the_chips_own_converter():
    board, _glass = _build(board_pico_adc)
    assert (board.phases, board.synthetic, board.load_bus) == (1, False, False)
    board.coils.write(2, 0)
    assert machine.pin_level(19) == 1
    machine.convert_with(lambda channel, now_us: 1000 * (channel + 1))
    board.sampler.start(lambda number: None)
    machine.advance_us(2700)
    assert board.sampler.ring.a[0] == 1000 and board.sampler.ring.a[6] == 3000


def test_the_bench_board_says_what_it_is():
    board, _glass = _build(board_bench)
    assert board.synthetic and board.name.startswith("BENCH")
    assert board.sampler.scene == 0


def test_the_board_is_the_one_that_was_chosen_when_it_was_flashed():
    built = []
    build, on_rp2.build = on_rp2.build, built.append
    try:
        for choice, board in ((None, board_pico), ("pico_adc", board_pico_adc), ("bench", board_bench)):
            if choice:
                sys.modules["board_choice"] = Choice(choice)
            on_rp2.chosen()
            assert built.pop().NAME == board.NAME
        sys.modules["board_choice"] = Choice("mainframe")
        on_rp2.chosen()
    except BoardError as error:
        assert str(error) == "board_choice.py names the board mainframe, which has no file"
    else:
        raise AssertionError("not refused")
    finally:
        on_rp2.build = build
        sys.modules.pop("board_choice", None)


class Choice:
    """The module that `make flash` writes."""

    def __init__(self, board):
        self.BOARD = board


def test_without_a_display_the_box_runs_and_says_so():
    board, _glass = _build(display=False)
    assert board.display is None
    assert board.remarks == ("no display answers at I2C address 0x27",)


class _Without:
    """The Pico's map without some functions."""

    def __init__(self, *functions):
        for name in (
            "__name__",
            "NAME",
            "CHIP",
            "PHASES",
            "FRONT_END",
            "LCD_I2C",
            "LCD_ADDRESS",
            "EXPANDER",
        ):
            setattr(self, name, getattr(board_pico, name))
        self.PINS = tuple([row for row in board_pico.PINS if row[0] not in functions])


def test_a_map_without_a_display_needs_no_remark():
    board, _glass = _build(_Without("lcd_sda", "lcd_scl"))
    assert board.display is None and board.remarks == ()


def test_a_bad_map_is_refused_before_any_pin_is_touched():
    try:
        _build(_Without("coil_q_l2"))
    except PinMapError as error:
        assert str(error) == "coil_q_l2 is missing"
        assert machine.configured_pins() == []
        assert not machine.watchdog_running()
        return
    raise AssertionError("not refused")


def test_the_watchdog_runs_from_build_on():
    board, _glass = _build()
    for _ in range(10):
        machine.advance_us(3900000)
        assert not machine.watchdog_expired()
        board.watchdog.feed()
    machine.advance_us(4100000)
    assert machine.watchdog_expired()


def test_a_watchdog_time_that_the_chip_has_not_is_refused():
    machine.power_on()
    for timeout_ms in (0, -1, 8389):
        try:
            Watchdog(timeout_ms)
        except ValueError as error:
            assert "watchdog timeout" in str(error)
        else:
            raise AssertionError("not refused")
    assert not machine.watchdog_running()
    Watchdog(8388).feed()
    assert machine.watchdog_running()


def test_the_esp32_checks_its_map_and_refuses_in_one_line():
    try:
        on_esp32.build(board_esp32)
    except BoardError as error:
        assert (
            str(error)
            == "ESP32, three-phase reference front end: the ESP32 drivers do not exist yet; use a Pico"
        )
    else:
        raise AssertionError("not refused")
    try:
        on_esp32.build(_Without("coil_k_grid"))
    except PinMapError as error:
        assert str(error) == "coil_k_grid is missing"
    else:
        raise AssertionError("not refused")

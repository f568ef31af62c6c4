"""Pin maps and the interpreter: what is refused, with which reason, before anything runs."""

from firmware.hardware import board_bench, board_esp32, board_pico, board_pico_adc
from firmware.hardware.board import PinMapError
from firmware.hardware.interpreter import refuse_interpreter
from firmware.hardware.pin_check import check_pins

BOOT_PINS = (18, 19, 21, 22)
_MADE_UP = "a board whose grid is made up, and no other, has a name that begins with BENCH"
_EXPANDER_FULL = "the expander has 8 inputs, each for one function"


class Map:
    """A copy of a board file with changes: pins by function (None leaves one out), other names as given."""

    def __init__(self, board, pins=None, **changes):
        for name in ("NAME", "CHIP", "PHASES", "FRONT_END", "LCD_I2C", "EXPANDER", "PINS"):
            setattr(self, name, changes.get(name, getattr(board, name)))
        if board.CHIP == "esp32":
            self.RS485_UART = changes.get("RS485_UART", board.RS485_UART)
        pins = pins or {}
        rows = [(function, pins.get(function, gpio)) for function, gpio in self.PINS]
        known = [function for function, _gpio in rows]
        rows += [(function, pins[function]) for function in pins if function not in known]
        self.PINS = tuple([row for row in rows if row[1] is not None])


def _reason(pin_map):
    try:
        check_pins(pin_map, BOOT_PINS)
    except PinMapError as error:
        return str(error)
    return ""


def test_the_shipped_maps_pass():
    for board in (board_pico, board_pico_adc, board_bench, board_esp32):
        pins = check_pins(board, BOOT_PINS)
        assert pins == dict(board.PINS)


def test_a_refusal_is_a_value_error():
    assert issubclass(PinMapError, ValueError)


def test_a_pico_map_is_refused():
    for changes, reason in (
        ({"dip_1": 8}, "pin 8 is named twice: mirror_k_grid and dip_1"),
        ({"coil_k_grid": None}, "coil_k_grid is missing"),
        ({"coil_q_l3": None}, "coil_q_l3 is missing"),
        ({"mirror_q_l2": None}, "mirror_q_l2 is missing"),
        ({"switch_auto": None}, "switch_auto is missing"),
        ({"switch_bypass": None}, "switch_bypass is missing"),
        ({"dip_4": None}, "dip_4 is missing"),
        ({"rs485_de": None}, "rs485_de is missing"),
        ({"adc_data_b": None}, "adc_data_b is missing"),
        ({"coil_q_l4": 28}, "coil_q_l4 is not a function of this board"),
        ({"lcd_scl": None}, "lcd_sda and lcd_scl go together"),
        ({"dip_1": 23}, "dip_1: GP23 is used by the Pico itself"),
        ({"dip_1": 24}, "dip_1: GP24 is used by the Pico itself"),
        ({"dip_1": 25}, "dip_1: GP25 is used by the Pico itself"),
        ({"dip_1": 29}, "dip_1: GP29 is used by the Pico itself"),
        ({"dip_1": 30}, "dip_1: the RP2040 has no GP30"),
        ({"dip_1": -1}, "dip_1: the RP2040 has no GP-1"),
        ({"dip_1": "16"}, "dip_1: 16 is not a pin number"),
        ({"dip_1": True}, "dip_1: True is not a pin number"),
        ({"lcd_sda": 28}, "lcd_sda: GP28 cannot be SDA of I2C1"),
        ({"lcd_sda": 15, "lcd_scl": 14}, "lcd_sda: GP15 cannot be SDA of I2C1"),
        ({"lcd_scl": 13, "switch_bypass": 15}, "lcd_scl: GP13 cannot be SCL of I2C1"),
        ({"adc_cs": 28}, "adc_cs must be the pin after adc_clock: PIO drives neighbours"),
        ({"coil_k_grid": 28}, "coil_k_grid: boot.py does not switch off pin 28"),
        ({"coil_k_grid": 20, "page_key": 18}, "coil_k_grid: boot.py does not switch off pin 20"),
    ):
        got = _reason(Map(board_pico, changes))
        assert got == reason, (changes, got)


def test_rs485_and_converters_may_be_on_any_pin_of_a_pico():
    assert _reason(Map(board_pico, {"rs485_tx": 28})) == ""
    assert _reason(Map(board_pico, {"rs485_rx": 28})) == ""
    assert _reason(Map(board_pico, {"adc_data_b": 28})) == ""


def test_a_single_phase_map_is_refused():
    for changes, reason in (
        ({"coil_q_l1": None}, "coil_q_l1 is missing"),
        ({"coil_q_l2": 21}, "coil_q_l2 is not a function of this board"),
        ({"adc_i1": None}, "adc_i1 is missing"),
        ({"adc_i1": 28, "adc_b1": 27}, "adc_i1: GP28 is not its input of the converter; that is GP27"),
        ({"dip_1": 26}, "pin 26 is named twice: dip_1 and adc_v1"),
        ({"dip_1": 21}, "dip_1: boot.py drives pin 21 low, as a coil"),
    ):
        assert _reason(Map(board_pico_adc, changes)) == reason, (
            changes,
            _reason(Map(board_pico_adc, changes)),
        )


def test_a_bench_map_with_converters_is_refused():
    assert _reason(Map(board_bench, {"adc_clock": 4})) == "adc_clock is not a function of this board"
    assert _reason(Map(board_bench, {"coil_k_grid": None})) == "coil_k_grid is missing"


def test_an_esp32_map_is_refused():
    for changes, reason in (
        ({"coil_k_grid": 34, "mirror_k_grid": 18}, "coil_k_grid: GPIO34 is input only"),
        ({"rs485_de": 39, "mirror_q_l3": 23}, "rs485_de: GPIO39 is input only"),
        (
            {"rs485_de": 0},
            "rs485_de: GPIO0 is a strapping pin: its level at reset decides how the chip starts",
        ),
        ({"adc_cs": 12}, "adc_cs: GPIO12 is a strapping pin: its level at reset decides how the chip starts"),
        ({"adc_cs": 6}, "adc_cs: GPIO6 belongs to the flash chip"),
        ({"adc_cs": 11}, "adc_cs: GPIO11 belongs to the flash chip"),
        ({"adc_cs": 1}, "adc_cs: GPIO1 is the console"),
        ({"adc_cs": 40}, "adc_cs: the ESP32 module has no GPIO40"),
        ({"adc_cs": 20}, "adc_cs: the ESP32 module has no GPIO20"),
        ({"adc_cs": 4}, "pin 4 is named twice: rs485_de and adc_cs"),
        ({"mirror_k_grid": None}, "mirror_k_grid is missing"),
        ({"dip_1": 23}, "dip_1 is named twice"),
    ):
        assert _reason(Map(board_esp32, changes)) == reason, (changes, _reason(Map(board_esp32, changes)))


def test_what_a_map_says_of_itself_is_checked():
    for board, changes, reason in (
        (board_pico, {"CHIP": "z80"}, "there are no pin rules for the chip z80"),
        (board_pico, {"PHASES": 2}, "a box has 1 or 3 phases, not 2"),
        (board_pico, {"FRONT_END": "crystal ball"}, "there is no front end crystal ball"),
        (board_pico, {"FRONT_END": "synthetic"}, _MADE_UP),
        (board_pico, {"NAME": "BENCH, but with converters"}, _MADE_UP),
        (board_bench, {"NAME": "a bench that does not say so"}, _MADE_UP),
        (board_pico_adc, {"PHASES": 3}, "the chip's own converter has inputs for a single phase only"),
        (board_pico, {"LCD_I2C": 0}, "lcd_sda: GP14 cannot be SDA of I2C0"),
        (board_pico, {"LCD_I2C": 2}, "lcd_sda: the RP2040 has no I2C2"),
        (board_pico, {"EXPANDER": ("coil_k_grid",)}, "coil_k_grid is named twice"),
        (board_pico, {"PINS": board_pico.PINS + (("dip_4", 28),)}, "dip_4 is named twice"),
        (board_esp32, {"RS485_UART": 0}, "rs485_tx: UART0 is the console: use UART1 or UART2"),
        (board_esp32, {"RS485_UART": 3}, "rs485_tx: the ESP32 has no UART3"),
        (board_esp32, {"LCD_I2C": 2}, "lcd_sda: the ESP32 has no I2C2"),
        (board_esp32, {"EXPANDER": board_esp32.EXPANDER + ("dip_1",)}, _EXPANDER_FULL),
        (board_esp32, {"EXPANDER": ("adc_busy",)}, "adc_busy cannot be on the expander"),
        (board_esp32, {"EXPANDER": ()}, "switch_auto is missing"),
    ):  # fmt: skip
        assert _reason(Map(board, **changes)) == reason, (changes, _reason(Map(board, **changes)))
    without_bus = Map(board_esp32, {"lcd_sda": None, "lcd_scl": None})
    assert _reason(without_bus) == "the expander needs the I2C pins lcd_sda and lcd_scl"


def test_what_is_optional_may_be_left_out():
    assert _reason(Map(board_pico, {"page_key": None})) == ""
    assert _reason(Map(board_pico, {"lcd_sda": None, "lcd_scl": None})) == ""


def test_nothing_but_a_coil_may_be_where_boot_drives():
    pin_map = Map(
        board_pico, {"coil_q_l3": None, "mirror_q_l3": None, "coil_q_l2": None, "mirror_q_l2": None}
    )
    pin_map.PHASES = 1
    pin_map.PINS += (("page_key", 22),)
    pin_map.PINS = tuple([row for row in pin_map.PINS if row != ("page_key", 20)])
    assert _reason(pin_map) == "page_key: boot.py drives pin 22 low, as a coil"


def test_a_single_phase_box_needs_two_coils_only():
    others = ("coil_q_l2", "coil_q_l3", "mirror_q_l2", "mirror_q_l3")
    left_out = dict.fromkeys(others)
    assert _reason(Map(board_pico, left_out, PHASES=1)) == ""
    assert _reason(Map(board_pico, PHASES=1)) == "mirror_q_l2 is not a function of this board"
    left_out["coil_q_l1"] = None
    assert _reason(Map(board_pico, left_out, PHASES=1)) == "coil_q_l1 is missing"


def test_old_interpreters_are_refused_with_a_reason():
    needed = "MicroPython 1.28 or newer is needed; this is "
    for name, version, reason in (
        ("micropython", (1, 28, 0), ""),
        ("micropython", (1, 28, 0, ""), ""),
        ("micropython", (1, 29, 0, "preview"), ""),
        ("micropython", (2, 0, 0), ""),
        ("micropython", (1, 28, 0, "preview"), needed + "1.28.0-preview"),
        ("micropython", (1, 27, 0, ""), needed + "1.27.0"),
        ("micropython", (1, 9, 4), needed + "1.9.4"),
        ("circuitpython", (9, 2, 0), needed + "circuitpython 9.2.0"),
        ("cpython", (3, 11, 2, "final", 0), needed + "cpython 3.11.2"),
    ):
        assert refuse_interpreter(name, version) == reason, (name, version)

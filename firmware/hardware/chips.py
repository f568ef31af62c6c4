"""What the pins of each chip can do: `refuse_...` returns why a pin cannot serve, or an empty string."""

OUTPUTS = (
    "coil_k_grid",
    "coil_q_l1",
    "coil_q_l2",
    "coil_q_l3",
    "rs485_tx",
    "rs485_de",
    "adc_clock",
    "adc_cs",
    "adc_mosi",
    "lcd_sda",
    "lcd_scl",
)

# GP23 power-save of the regulator, GP24 VBUS sense, GP25 LED, GP29 VSYS measurement.
_PICO_INTERNAL = (23, 24, 25, 29)
# The RP2040's own converter goes round its inputs in the order of their numbers.
_ADC_PINS = {"adc_v1": 26, "adc_i1": 27, "adc_b1": 28}
_ESP32_FLASH = (6, 7, 8, 9, 10, 11)
_ESP32_STRAPPING = (0, 2, 5, 12, 15)
_ESP32_CONSOLE = (1, 3)
_ESP32_MISSING = (20, 24, 28, 29, 30, 31, 37, 38)  # not on the die, or not brought out of the module


def refuse_rp2040(function: str, gpio: int, pin_map) -> str:
    """Return why `gpio` of a Pico (RP2040 datasheet, table 2) cannot serve `function`, or ''.

    PIO leads RS485 and the converters to any pin.
    """
    i2c = pin_map.LCD_I2C
    if not 0 <= gpio <= 29:
        return "the RP2040 has no GP%d" % gpio
    if gpio in _PICO_INTERNAL:
        return "GP%d is used by the Pico itself" % gpio
    if function in _ADC_PINS and gpio != _ADC_PINS[function]:
        return "GP%d is not its input of the converter; that is GP%d" % (gpio, _ADC_PINS[function])
    if function in ("lcd_sda", "lcd_scl"):
        if i2c not in (0, 1):
            return "the RP2040 has no I2C%d" % i2c
        place = 0 if function == "lcd_sda" else 1
        if gpio & 1 != place or gpio >> 1 & 1 != i2c:
            return "GP%d cannot be %s of I2C%d" % (gpio, function[-3:].upper(), i2c)
    return ""


def refuse_esp32(function: str, gpio: int, pin_map) -> str:
    """Return why `gpio` of an ESP32-WROOM module cannot serve `function`, or ''.

    Its matrix leads any peripheral to any pin, so that only the pin's own limits count.
    """
    uart, i2c = pin_map.RS485_UART, pin_map.LCD_I2C
    if not 0 <= gpio <= 39 or gpio in _ESP32_MISSING:
        return "the ESP32 module has no GPIO%d" % gpio
    if gpio in _ESP32_FLASH:
        return "GPIO%d belongs to the flash chip" % gpio
    if gpio in _ESP32_STRAPPING:
        return "GPIO%d is a strapping pin: its level at reset decides how the chip starts" % gpio
    if gpio in _ESP32_CONSOLE:
        return "GPIO%d is the console" % gpio
    if gpio >= 34 and function in OUTPUTS:
        return "GPIO%d is input only" % gpio
    if function in ("rs485_tx", "rs485_rx"):
        if uart == 0:
            return "UART0 is the console: use UART1 or UART2"
        if uart not in (1, 2):
            return "the ESP32 has no UART%d" % uart
    if function in ("lcd_sda", "lcd_scl") and i2c not in (0, 1):
        return "the ESP32 has no I2C%d" % i2c
    return ""


CHIPS = {"rp2040": refuse_rp2040, "esp32": refuse_esp32}

"""Pin map: ESP32-WROOM module with the same front end. The file a builder edits.

The map is checked like any other, but this chip has no drivers yet. It has too few free pins for
every input, so the slow ones are on a PCF8574 expander that shares the display's I2C bus.
"""

NAME = "ESP32, three-phase reference front end"
CHIP = "esp32"
PHASES = 3
FRONT_END = "mcp3208"

RS485_UART = 2  # UART0 is the console
LCD_I2C = 0
LCD_ADDRESS = 0x27
EXPANDER_ADDRESS = 0x20
EXPANDER = (  # P0 to P6 of the expander, contacts to ground as on the Pico
    "switch_auto",
    "switch_bypass",
    "dip_1",
    "dip_2",
    "dip_3",
    "dip_4",
    "page_key",
)

PINS = (
    # RS485 transceiver.
    ("rs485_tx", 17),  # to DI
    ("rs485_rx", 16),  # from RO, pulled up
    ("rs485_de", 4),  # to DE and /RE together, pulled down
    # Two MCP3208.
    ("adc_mosi", 13),  # to DIN of both
    ("adc_clock", 14),  # to CLK of both
    ("adc_cs", 27),  # to /CS of both, pulled up
    ("adc_data_a", 32),  # from DOUT of chip A
    ("adc_data_b", 33),  # from DOUT of chip B
    # Mirror contacts, closed while the contactor is open. These pins are input only and have no
    # pull-up inside: the resistor outside is not optional.
    ("mirror_k_grid", 34),
    ("mirror_q_l1", 35),
    ("mirror_q_l2", 36),
    ("mirror_q_l3", 39),
    # Coil drivers, pulled down outside; the same pins as on the Pico, so that one boot.py serves both.
    ("coil_k_grid", 18),
    ("coil_q_l1", 19),
    ("coil_q_l2", 21),
    ("coil_q_l3", 22),
    # Display and expander.
    ("lcd_sda", 25),
    ("lcd_scl", 26),
    # GPIO23 is free.
)

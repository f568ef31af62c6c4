"""Pin map: Raspberry Pi Pico with the reference three-phase front end. The file a builder edits.

Numbers are GPIO numbers (GP0...), not package pins; docs/wiring.md has both. Nothing starts with a
map that is impossible. Coil pins stand in boot.py too and must be the same there.
"""

NAME = "Pico, three-phase reference front end"
CHIP = "rp2040"
PHASES = 3
FRONT_END = "mcp3208"

LCD_I2C = 1  # which I2C the pins lcd_sda and lcd_scl belong to
LCD_ADDRESS = 0x27  # PCF8574 backpack with all jumpers open; 0x3F with a PCF8574A
EXPANDER = ()  # no input needs an I2C expander on this board

PINS = (
    # RS485 transceiver, 3.3 V type.
    ("rs485_tx", 0),  # to DI
    ("rs485_rx", 1),  # from RO, pulled up
    ("rs485_de", 2),  # to DE and /RE together, pulled down
    # Two MCP3208 side by side; chip A has the voltages, chip B the currents and B3.
    ("adc_mosi", 3),  # to DIN of both
    ("adc_clock", 4),  # to CLK of both
    ("adc_cs", 5),  # to /CS of both, pulled up; must be the next pin
    ("adc_data_a", 6),  # from DOUT of chip A
    ("adc_data_b", 7),  # from DOUT of chip B
    # Mirror contacts (normally closed): closed to ground while the contactor is open.
    ("mirror_k_grid", 8),
    ("mirror_q_l1", 9),
    ("mirror_q_l2", 10),
    ("mirror_q_l3", 11),
    # Switches on the door.
    ("switch_auto", 12),  # closed to ground in AUTO
    ("switch_bypass", 13),  # closed to ground while the bypass is NOT switched in
    # Display, 4 x 20 characters, HD44780 behind a PCF8574, through a level shifter.
    ("lcd_sda", 14),
    ("lcd_scl", 15),
    # DIP switches: ON closes to ground. The other two are GP26 and GP27.
    ("dip_1", 16),
    ("dip_2", 17),
    # Coil drivers: high energises. Pulled down outside, because outputs float until boot.py has run.
    ("coil_k_grid", 18),
    ("coil_q_l1", 19),
    ("coil_q_l2", 21),
    ("coil_q_l3", 22),
    ("page_key", 20),  # push-button to ground: next page on the display
    ("dip_3", 26),
    ("dip_4", 27),
    # GP28 is free.
)

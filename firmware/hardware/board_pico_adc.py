"""Pin map: a bare Pico as a single-phase box, with its own converter. The file a builder edits.

One grid voltage, one grid current, one backup voltage; no PV meter, and no voltage of the load bus: of
a welded contactor only the mirror contact tells. docs/wiring.md says what that means.
"""

NAME = "Pico, single phase"
CHIP = "rp2040"
PHASES = 1
FRONT_END = "adc"

LCD_I2C = 1  # which I2C the pins lcd_sda and lcd_scl belong to
LCD_ADDRESS = 0x27  # PCF8574 backpack with all jumpers open; 0x3F with a PCF8574A
EXPANDER = ()

PINS = (
    # RS485 transceiver, 3.3 V type.
    ("rs485_tx", 0),  # to DI
    ("rs485_rx", 1),  # from RO, pulled up
    ("rs485_de", 2),  # to DE and /RE together, pulled down
    # DIP switches: ON closes to ground.
    ("dip_1", 3),
    ("dip_2", 4),
    ("dip_3", 5),
    ("dip_4", 6),
    # Mirror contacts (normally closed): closed to ground while the contactor is open.
    ("mirror_k_grid", 8),
    ("mirror_q_l1", 9),
    # Switches on the door.
    ("switch_auto", 12),  # closed to ground in AUTO
    ("switch_bypass", 13),  # closed to ground while the bypass is NOT switched in
    # Display, 4 x 20 characters, HD44780 behind a PCF8574, through a level shifter.
    ("lcd_sda", 14),
    ("lcd_scl", 15),
    # Coil drivers: high energises. Pulled down outside, because outputs float until boot.py has run.
    ("coil_k_grid", 18),
    ("coil_q_l1", 19),
    ("page_key", 20),  # push-button to ground: next page on the display
    # The converter's inputs, biased to half of the reference, 0 to 3.3 V.
    ("adc_v1", 26),
    ("adc_i1", 27),
    ("adc_b1", 28),
    # boot.py holds GP21 and GP22 low; GP7, GP10, GP11, GP16 and GP17 are free.
)

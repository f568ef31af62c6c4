"""Pin map: a bare Pico on the desk, with a made-up grid. No mains, no front end. The file a builder edits.

Relays, contacts, switches, RS485 and display are wired as on the real board and can be tried; the
grid is a computed one that a master (register `bench_grid`) or the console (`play`) lets fail.
"""

NAME = "BENCH, made-up grid"
CHIP = "rp2040"
PHASES = 3
FRONT_END = "synthetic"

LCD_I2C = 1  # which I2C the pins lcd_sda and lcd_scl belong to
LCD_ADDRESS = 0x27  # PCF8574 backpack with all jumpers open; 0x3F with a PCF8574A
EXPANDER = ()

PINS = (
    ("rs485_tx", 0),
    ("rs485_rx", 1),
    ("rs485_de", 2),
    ("mirror_k_grid", 8),
    ("mirror_q_l1", 9),
    ("mirror_q_l2", 10),
    ("mirror_q_l3", 11),
    ("switch_auto", 12),
    ("switch_bypass", 13),
    ("lcd_sda", 14),
    ("lcd_scl", 15),
    ("dip_1", 16),
    ("dip_2", 17),
    ("coil_k_grid", 18),
    ("coil_q_l1", 19),
    ("coil_q_l2", 21),
    ("coil_q_l3", 22),
    ("page_key", 20),
    ("dip_3", 26),
    ("dip_4", 27),
    # GP3 to GP7 and GP28 are free.
)

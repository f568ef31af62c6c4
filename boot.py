"""Every coil off, before anything else, and needing nothing that could be broken: no other file of ours.

The same four pins on every board, so that one file serves all; `firmware/hardware/board.py` refuses
a pin map whose coils are elsewhere, or that uses one of these pins for anything but a coil.
"""

from machine import Pin

COIL_PINS = (18, 19, 21, 22)  # K_GRID, Q_L1, Q_L2, Q_L3

for _number in COIL_PINS:
    Pin(_number, Pin.OUT, value=0)  # the level is set before the pin becomes an output

"""Writes records to the flash and reads them back, in a folder of their own."""

import os

from firmware.hardware.flash import FlashStorage
from tools.board_checks.on_board.board import tell, ticks_diff, ticks_us

_FOLDER = "/check"


def write_and_read(count, size):
    """Write `count` records of `size` bytes under one name; tell how many came back right, and the time."""
    storage = FlashStorage(_FOLDER)
    right = 0
    longest_us = 0
    for n in range(count):
        content = bytes([(n + place) & 0xFF for place in range(size)])
        start = ticks_us()
        storage.write("record", content)
        longest_us = max(longest_us, ticks_diff(ticks_us(), start))
        if storage.read("record") == content:
            right += 1
    os.remove(_FOLDER + "/record")
    os.rmdir(_FOLDER)
    tell(right=right, longest_us=longest_us)

"""The `main.py` of the box under load: two more commands at the console make the loop busy.

`collect` runs the collector for a tenth of a second; `scribble` has the whole display rewritten in
every turn from then on. Everything else is the box as it is shipped.
"""

# mypy: disable-error-code="attr-defined, method-assign"

import gc

gc.threshold(16384)

from firmware import app  # noqa: E402
from firmware.hardware import lcd, usb_console  # noqa: E402

scribbling = [False]
_step = usb_console.UsbConsole.step
_show = lcd.Lcd.show
_pages = (["abcdefghijklmnopqrst"] * 4, ["ABCDEFGHIJKLMNOPQRST"] * 4)
_turn = [0]


def step(self):
    line = _step(self)
    if line == "collect":
        self.write("collecting")
        for _ in range(4):
            _step(self)
        for _ in range(5):
            gc.collect()
        return None
    if line == "scribble":
        scribbling[0] = True
        return None
    return line


def show(self, lines):
    if scribbling[0]:
        _turn[0] = (_turn[0] + 1) & 63
        lines = _pages[_turn[0] >> 5]
    return _show(self, lines)


usb_console.UsbConsole.step = step
lcd.Lcd.show = show
app.run()

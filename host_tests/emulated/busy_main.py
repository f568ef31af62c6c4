"""The `main.py` of the box with more commands at the console.

Two make the loop busy: `collect` runs the collector for a tenth of a second; `scribble` has the whole
display rewritten in every turn from then on. `line BAUD FORMAT` sets up the RS485 port behind the slave's
back, `errors` tells its framing and parity errors. Everything else is the box as it is shipped.
"""

import gc

gc.threshold(16384)

from firmware import app  # noqa: E402
from firmware.hardware import lcd, rs485_rp2, usb_console  # noqa: E402

scribbling = [False]
_step = usb_console.UsbConsole.step
_show = lcd.Lcd.show
_configure = rs485_rp2.Rs485Port.configure
_port = [None]
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
    if line and line.startswith("line "):
        _configure(_port[0], *[int(word) for word in line.split()[1:]])
        self.write("done: " + line)
        return None
    if line == "errors":
        self.write("framing %d, parity %d" % (_port[0].framing_errors, _port[0].parity_errors))
        return None
    return line


def show(self, lines):
    if scribbling[0]:
        _turn[0] = (_turn[0] + 1) & 63
        lines = _pages[_turn[0] >> 5]
    return _show(self, lines)


def configure(self, *line):
    _port[0] = self
    _configure(self, *line)


rs485_rp2.Rs485Port.configure = configure
usb_console.UsbConsole.step = step
lcd.Lcd.show = show
app.run()

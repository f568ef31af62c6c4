"""The `main.py` of the box under load and under observation: more commands at the console.

`collect` runs the collector for a tenth of a second; `scribble` has the whole display rewritten in
every turn from then on. `free` collects and tells how many bytes of the heap are free then, and how many
have been allocated since the start; `=expression` tells a value of the running box (names: `_scope`).
Everything else is the box as it is shipped.
"""

# mypy: disable-error-code="attr-defined, method-assign"

import gc

gc.threshold(16384)

from firmware import app  # noqa: E402
from firmware.hardware import heap, lcd, usb_console  # noqa: E402

scribbling = [False]
heaps: list = []  # the board's one
_allocated = [0, -1]  # up to the end of the last collection, and the free bytes there
_collect = heap.Heap.collect
_answer = app._answer
_step = usb_console.UsbConsole.step
_show = lcd.Lcd.show
_pages = (["abcdefghijklmnopqrst"] * 4, ["ABCDEFGHIJKLMNOPQRST"] * 4)
_turn = [0]


def collect(self):
    """Collect as the box does, and count what was allocated since the last time (bytes)."""
    if not heaps:
        heaps.append(self)
    _allocated[0] = allocated()
    bytes_free = _collect(self)
    _allocated[1] = gc.mem_free()
    return bytes_free


def allocated():
    """Return how many bytes have been allocated since the box's first collection.

    What fills the gaps after a collection (firmware/hardware/heap.py) is not counted.
    """
    return _allocated[0] + (_allocated[1] - gc.mem_free() if _allocated[1] >= 0 else 0)


def free():
    """Return the bytes that are free once everything that nobody needs is collected."""
    total = allocated()
    for board_heap in heaps:
        board_heap._filling = None
    gc.collect()
    _allocated[:] = total, gc.mem_free()
    return _allocated[1]


def _scope(box):
    found = {"box": box, "meter": box.meter, "imported": box.energy._import}
    found.update({"count": box.meter.count, "blocks": box.front_end.blocks})
    return found


def answer(terminal, box, crashes, line):
    if line[0] == "=":
        terminal.write("=" + repr(eval(line[1:], _scope(box))))
    else:
        _answer(terminal, box, crashes, line)


def step(self):
    line = _step(self)
    if line == "free":
        self.write("free %d allocated %d" % (free(), allocated()))
        return None
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


heap.Heap.collect = collect
usb_console.UsbConsole.step = step
lcd.Lcd.show = show
app._answer = answer
app.run()

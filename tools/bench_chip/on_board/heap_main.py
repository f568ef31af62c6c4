"""The `main.py` that tells how much memory is left when the loop of the box is about to begin."""

# mypy: disable-error-code="attr-defined, method-assign"

import gc

gc.threshold(16384)

from firmware import app  # noqa: E402
from firmware.hardware.usb_console import UsbConsole  # noqa: E402

_take = UsbConsole.take_interrupts  # the last that is done before the loop


def loaded(self):
    """Say so."""
    _take(self)
    gc.collect()
    print("free", gc.mem_free())


UsbConsole.take_interrupts = loaded
app.run()

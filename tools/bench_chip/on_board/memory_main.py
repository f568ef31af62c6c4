"""The `main.py` that weighs the box's Modbus side: code and objects of port, slave and registers.

What the box needs anyway (settings, names) is loaded before.
"""

# mypy: disable-error-code="attr-defined, method-assign"

import gc

gc.threshold(16384)


def used():
    """Return the bytes in use."""
    gc.collect()
    return gc.mem_alloc()


def weigh(kind):
    """Add up what making an object of this class takes."""
    made = kind.__init__

    def init(self, *arguments):
        before = used()
        made(self, *arguments)
        weight[0] += used() - before

    kind.__init__ = init


from firmware import signals  # noqa: E402, F401
from firmware.store import settings  # noqa: E402, F401

weight = [-used()]

from firmware.hardware.rs485_rp2 import Rs485Port  # noqa: E402
from firmware.publish.modbus import ModbusSlave  # noqa: E402
from firmware.publish.registers import Registers  # noqa: E402

weight[0] += used()
for part in (Rs485Port, Registers, ModbusSlave):
    weigh(part)

from firmware.app import find_board  # noqa: E402
from firmware.box import Box  # noqa: E402

Box(find_board())
print("modbus", weight[0])

"""The `main.py` that weighs the box's Modbus side as it runs: code and objects of port, slave and registers.

What the box needs anyway (settings, names) is loaded before; what it lets go of when it has started
(`Board.made_once`, firmware/start_only.py) is let go of here too.
"""

# mypy: disable-error-code="assignment, attr-defined, method-assign"

import gc

gc.threshold(16384)


def used():
    """Return the bytes in use."""
    gc.collect()
    return gc.mem_alloc()


def weigh(kind):
    """Add up what making an object of this class takes."""
    making[kind] = kind.__init__

    def init(self, *arguments):
        before = used()
        making[kind](self, *arguments)
        weight[0] += used() - before

    kind.__init__ = init


from firmware import signals  # noqa: E402, F401
from firmware.store import settings  # noqa: E402, F401

making: dict = {}
weight = [0]
weight[0] -= used()

from firmware.hardware.rs485_rp2 import Rs485Port  # noqa: E402
from firmware.publish import crc, profiles, registers, service  # noqa: E402, F401
from firmware.publish.modbus import ModbusSlave  # noqa: E402

weight[0] += used()
for part in (Rs485Port, registers.Registers, ModbusSlave):
    weigh(part)

from firmware.app import find_board  # noqa: E402
from firmware.box import Box  # noqa: E402

box = Box(find_board())

weight[0] -= used()
making.clear()
registers.Registers._write_identity = service.Service.__init__ = crc._eight_steps = None
weight[0] += used()
print("modbus", weight[0])

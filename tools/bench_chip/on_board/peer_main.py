"""The `main.py` of the Modbus peer: its slave in a loop that does nothing else.

125 input and 125 holding registers, at the addresses that the stream asks for (turnaround.py).
"""

import gc

gc.collect()
free = gc.mem_free()  # type: ignore[attr-defined]

from machine import Pin  # noqa: E402
from peer_baud import BAUD  # type: ignore[import-not-found]  # noqa: E402
from umodbus.serial import ModbusRTU  # type: ignore[import-not-found]  # noqa: E402

slave = ModbusRTU(addr=1, baudrate=BAUD, pins=(Pin(0), Pin(1)), ctrl_pin=2, uart_id=0)
slave.add_ireg(100, [2300 + n for n in range(125)])
slave.add_hreg(1000, list(range(125)))
gc.collect()
print("heap", free - gc.mem_free())  # type: ignore[attr-defined]

import probe  # type: ignore[import-not-found]  # noqa: E402

serve = probe.watch(lambda slave, now_us: slave.process())
probe.tell()
while True:
    serve(slave, 0)

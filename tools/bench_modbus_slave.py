"""A Modbus slave on a pseudo-terminal, the box's or its peer's: MicroPython's half of tools/bench_modbus.py.

`micropython tools/bench_modbus_slave.py box|peer TTY [folder of the peer]`. Both find the same UART here,
at a nominal 115200 baud: bytes pass at once, a frame ends with t3.5. A line on stdin, `time` or `count`,
chooses what is measured from then on; its end prints the figures: median time of the calls that
answered in us, how many answered while memory was counted, bytes allocated in them, bytes of the heap
that the slave takes.
"""

import gc
import select
import sys
import time

BAUD = 115200
_SILENCE_US = 1750
_WINDOW_US = 100000  # so often the box has new values


def used() -> int:
    """Return the bytes in use."""
    gc.collect()
    return gc.mem_alloc()  # type: ignore[attr-defined]


class Wire:
    """The pseudo-terminal. `waste` are the bytes that it allocates itself: they are not the slave's."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "r+b")  # noqa: SIM115
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)
        self.heard = bytearray(512)
        self.count = 0
        self.last_us = 0
        self.waste = 0

    def pump(self) -> None:
        """Take what has come."""
        before = gc.mem_alloc() if counting[0] else 0  # type: ignore[attr-defined]
        while self._poll.poll(0):
            self.heard[self.count] = self._file.read(1)[0]
            self.count += 1
            self.last_us = time.ticks_us()  # type: ignore[attr-defined]
        if counting[0]:
            self.waste += gc.mem_alloc() - before  # type: ignore[attr-defined]

    def write(self, buf, n: int) -> None:
        """Send."""
        before = gc.mem_alloc() if counting[0] else 0  # type: ignore[attr-defined]
        self._file.write(memoryview(buf)[:n])
        if counting[0]:
            self.waste += gc.mem_alloc() - before  # type: ignore[attr-defined]


class Port:
    """The wire as the box's slave has it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def receive(self, buf, now_us: int) -> int:
        """Copy a frame, when there has been silence after it."""
        wire = self._wire
        wire.pump()
        n = wire.count
        silence_us = time.ticks_diff(time.ticks_us(), wire.last_us)  # type: ignore[attr-defined]
        if not n or silence_us < _SILENCE_US:
            return 0
        for k in range(min(n, len(buf))):
            buf[k] = wire.heard[k]
        wire.count = 0
        return n

    def write(self, buf, n: int) -> None:
        """Send."""
        self._wire.write(buf, n)

    def sending(self, now_us: int) -> bool:
        """Never: bytes pass at once."""
        return False


class Uart:
    """The wire as `machine.UART`."""

    def __init__(self, *_arguments, **_options) -> None:
        self._wire = wires[0]

    def any(self) -> int:
        """Return how many bytes have come."""
        self._wire.pump()
        return self._wire.count

    def read(self):
        """Return them; its own allocation is what a UART's `read` makes too."""
        n, self._wire.count = self._wire.count, 0
        return bytes(self._wire.heard[:n]) if n else None

    def write(self, frame) -> int:
        """Send."""
        self._wire.write(frame, len(frame))
        return len(frame)

    def flush(self) -> None:
        """Bytes pass at once."""


class Pin:
    """Nobody drives a bus here."""

    OUT = 1

    def __init__(self, *_arguments, **_options) -> None:
        pass

    def __call__(self, *_level) -> None:
        pass

    on = off = value = __call__


class Machine:
    """What stands for the module `machine`."""

    UART = Uart
    Pin = Pin


def box_slave(wire: Wire):
    """Return what serves a request of the box, and the bytes it takes; its values go on being renewed."""
    from firmware import signals  # noqa: F401
    from firmware.store import settings  # noqa: F401

    weight = [-used()]
    from firmware.publish.modbus import ModbusSlave
    from firmware.publish.registers import Registers

    weight[0] += used()
    from tools.simulator.simulation import Simulation

    simulation = Simulation([{"at_s": 0, "pv_w": 1500.0, "soc": 70}], "phasor", lambda event: None)
    simulation.run_until(5000)
    box = simulation.box
    before = used()
    registers = Registers(box)
    slave = ModbusSlave(Port(wire), registers, 1, BAUD)
    weight[0] += used() - before
    ticks_us, ticks_diff = time.ticks_us, time.ticks_diff  # type: ignore[attr-defined]
    renewed = [ticks_us()]

    def rest() -> None:
        if ticks_diff(ticks_us(), renewed[0]) >= _WINDOW_US:
            renewed[0] = ticks_us()
            registers.renew_meters()
            registers.renew_status()
        registers.step()

    return slave.step, rest, weight[0]


def peer_slave(folder: str):
    """Return what serves a request of the peer, and the bytes it takes."""
    sys.path.insert(0, folder)
    sys.modules["machine"] = Machine()  # type: ignore[assignment]
    before = used()
    from umodbus.serial import ModbusRTU  # type: ignore[import-not-found]

    slave = ModbusRTU(addr=1, baudrate=BAUD, pins=(0, 1), ctrl_pin=2, uart_id=0)
    slave.add_ireg(100, [2300 + n for n in range(125)])
    slave.add_hreg(1000, list(range(125)))
    return (lambda now_us: slave.process()), (lambda: None), used() - before


def serve(step, rest) -> tuple:
    """Serve until stdin ends; return (median call in us, counted calls, bytes allocated in them)."""
    wire = wires[0]
    ticks_us, ticks_diff = time.ticks_us, time.ticks_diff  # type: ignore[attr-defined]
    told = select.poll()
    told.register(sys.stdin, select.POLLIN)
    served = allocated = 0
    calls: list = []
    gc.collect()
    while True:
        if told.poll(0):
            line = sys.stdin.readline()
            if not line:
                return sorted(calls)[len(calls) // 2], served, allocated
            counting[0] = line == "count\n"
            print("ready")
        if counting[0]:
            gc.collect()
            wire.waste = 0
            before = gc.mem_alloc()  # type: ignore[attr-defined]
            if step(ticks_us()):
                served += 1
                allocated += gc.mem_alloc() - before - wire.waste  # type: ignore[attr-defined]
        else:
            start = ticks_us()
            if step(start):
                calls.append(ticks_diff(ticks_us(), start))
        rest()


counting = [False]
wires = [Wire(sys.argv[2])]
if sys.argv[1] == "box":
    served_by, meanwhile, taken = box_slave(wires[0])
else:
    served_by, meanwhile, taken = peer_slave(sys.argv[3])
print("ready")
print("figures", *serve(served_by, meanwhile), taken)

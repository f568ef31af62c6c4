"""A simulator in real time with its serial port on a pseudo-terminal, and a pymodbus master on it."""

import contextlib
import json
import struct
import subprocess
import sys
import threading
import time

import serial
from pymodbus.client import ModbusSerialClient

from tools import micropython_host

REGISTERS = {
    entry["name"]: entry
    for entry in json.loads((micropython_host.ROOT / "docs/registers.json").read_text(encoding="utf-8"))
}
FORMATS = {"u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i", "f32": ">f"}
PATIENCE_S = 20.0
SOUND = "[[step]]\nat_s = 0\nsoc_silent = true\n"
OUTAGE = SOUND + "grid_v = [0, 0, 0]\n"
LIMITS = {"load_management_enable": 1}
LIMITS.update({f"priority_l{n}": n for n in (1, 2, 3)})
LIMITS.update({"soc_min_l1": 20, "soc_min_l2": 30, "soc_min_l3": 40})


def wait_for(what, condition):
    """Return the first true answer of `condition()`; fails when there is none in time."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.02)  # between two looks, not instead of one
    raise AssertionError(f"waited {PATIENCE_S:g} s in vain: {what}")


class Running:
    """A simulator process with its serial port at `tty`, and a master on it."""

    def __init__(self, folder, scenario, *options):
        self.tty = folder / "box.tty"
        self.events = folder / "events.jsonl"
        file = folder / "scenario.toml"
        file.write_text(scenario)
        arguments = ["--plain", "--tty", self.tty, "--scenario", file, "--events", self.events, *options]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools.simulator", *map(str, arguments)],
            cwd=micropython_host.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = []
        self._reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self._reader.start()
        self.client = ModbusSerialClient(str(self.tty), baudrate=9600, timeout=1.0, retries=1)

    def wait(self):
        """Wait until it answers."""
        wait_for("the link to the pseudo-terminal", lambda: self.process.poll() is None and self.tty.exists())
        assert self.client.connect()
        wait_for("the first reply", lambda: self.value("meter_model") == "BackupBox_PLUS")

    def stop(self):
        self.client.close()
        self.process.terminate()
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        self.process.stdout.close()
        return code

    def words(self, name, unit=1):
        """Return the registers of one name, read with the function of its table."""
        entry = REGISTERS[name]
        read = self.client.read_input_registers
        if entry["table"] == "holding":
            read = self.client.read_holding_registers
        reply = read(entry["address"], count=entry["words"], device_id=unit)
        assert not reply.isError(), (name, reply)
        return reply.registers

    def value(self, name, unit=1):
        """Return raw x scale, or the text, as docs/registers.md says."""
        entry = REGISTERS[name]
        packed = struct.pack(f">{entry['words']}H", *self.words(name, unit))
        if entry["type"] == "ascii":
            return packed.rstrip(b"\0").decode("ascii")
        return struct.unpack(FORMATS[entry["type"]], packed)[0] * entry["scale"]

    def write(self, name, raw, unit=1):
        """Write one register; return the exception code, 0 for none."""
        reply = self.client.write_register(REGISTERS[name]["address"], raw, device_id=unit)
        return reply.exception_code if reply.isError() else 0

    def manage(self, **changed):
        """Stage a load-management set and commit it; return the commit's exception code."""
        for name, raw in {**LIMITS, **changed}.items():
            assert self.write(name, raw) == 0, name
        return self.write("commit", 1)

    def running(self):
        """Return the load-management values that are read back."""
        assert self.value("settings_pending") == 0
        return {name: self.value(name) for name in LIMITS}

    def state(self):
        return REGISTERS["state"]["enum"][str(self.words("state")[0])]

    def exchange(self, *body, wait=1.0):
        """Send bytes with their CRC past pymodbus; return what comes back."""
        frame = bytes(body) + crc(bytes(body))
        self.client.close()
        with serial.Serial(str(self.tty), 9600, timeout=wait) as port:
            port.write(frame)
            reply = port.read(1)
            port.timeout = 0.2
            reply += port.read(255)
        assert self.client.connect()
        return reply


def crc(body):
    """Return the CRC of some bytes, as it goes over the line."""
    value = 0xFFFF
    for byte in body:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return struct.pack("<H", value)


@contextlib.contextmanager
def started(tmp_path_factory, scenario, *options):
    """A running box, which has to end well and to leave nothing behind."""
    running = Running(tmp_path_factory.mktemp("box"), scenario, *options)
    try:
        running.wait()
        yield running
    finally:
        code = running.stop()
    text = "".join(running.lines)
    assert code == 0 and "Traceback" not in text, text
    assert not running.tty.is_symlink(), "the link stays behind"

"""pymodbus as the master, over the pseudo-terminal that `make emulate` offers, with its bits at the pins."""

import tempfile
from pathlib import Path

from pymodbus.client import ModbusSerialClient
from pymodbus.pdu import ExceptionResponse

from host_tests.emulated.master import REGISTERS, decoded
from host_tests.emulated.serial_port import SerialPort
from tools.emulator.terminals import Terminal, connect_line

PATIENCE_S = 20.0  # of the host's time; the emulated line is slower than a real one
BLOCK_END = 79  # the last input register of a block
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3


def test_pymodbus_reads_writes_and_is_refused(on_grid):
    box, line = on_grid, on_grid.line
    with tempfile.TemporaryDirectory() as folder, SerialPort(box.machine):
        terminal = Terminal(Path(folder) / "rs485.tty")
        connect_line(box.machine, line, terminal)
        client = ModbusSerialClient(str(terminal.link), baudrate=9600, timeout=PATIENCE_S, retries=0)
        assert client.connect()
        try:
            talk(client)
        finally:
            client.close()
    assert line.baud == 9600 and not line.violations
    assert all(exchange.done and not exchange.damaged for exchange in line.exchanges)
    return {"requests": len(line.exchanges)}


def talk(client):
    """Ask what a storage system asks, and what it must not."""
    model = client.read_input_registers(0, count=8, device_id=1)
    assert b"".join(word.to_bytes(2, "big") for word in model.registers).rstrip(b"\0") == b"BackupBox_PLUS"
    meter = client.read_input_registers(100, count=54, device_id=1)
    volts = REGISTERS["grid_voltage_l1"]
    assert abs(decoded(volts, meter.registers[volts["address"] - 100 :]) - 230) < 0.5

    stagger = REGISTERS["stagger_ms"]["address"]
    old = client.read_holding_registers(stagger, count=1, device_id=1).registers[0]
    assert not client.write_register(stagger, old + 50, device_id=1).isError()
    commit = REGISTERS["commit"]["address"]
    assert not client.write_registers(commit, [1], device_id=1).isError()
    assert client.read_holding_registers(stagger, count=1, device_id=1).registers == [old + 50]
    pending = client.read_input_registers(REGISTERS["settings_pending"]["address"], count=1, device_id=1)
    assert pending.registers == [0]

    refused = (
        (client.write_register(stagger, 65535, device_id=1), ILLEGAL_VALUE),
        (client.read_input_registers(BLOCK_END, count=2, device_id=1), ILLEGAL_ADDRESS),
        (client.write_register(REGISTERS["ct_ratio"]["address"], 1, device_id=1), ILLEGAL_ADDRESS),
        (client.read_coils(0, count=1, device_id=1), ILLEGAL_FUNCTION),
    )
    for reply, code in refused:
        assert isinstance(reply, ExceptionResponse) and reply.exception_code == code, reply
    assert client.read_holding_registers(stagger, count=1, device_id=1).registers == [old + 50]

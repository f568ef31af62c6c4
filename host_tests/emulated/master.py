"""A Modbus master at the emulated line: requests as bytes, registers by their names (docs/registers.md).

And what one types at the console.
"""

import ast
import json
import struct
from pathlib import Path
from typing import Any

from firmware.publish.crc import crc16
from tools.emulator.box import Box
from tools.emulator.devices.rs485 import Exchange

_FORMATS = {"u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i"}
_DOCUMENT = Path(__file__).parents[2] / "docs" / "registers.json"
REGISTERS = {row["name"]: row for row in json.loads(_DOCUMENT.read_text())}


def framed(content: bytes) -> bytes:
    """Return the frame with its CRC."""
    crc = crc16(content, len(content))
    return content + bytes((crc & 0xFF, crc >> 8))


def read_request(start: int, count: int, function: int = 4, unit: int = 1) -> bytes:
    """Return a request to read registers."""
    return framed(struct.pack(">BBHH", unit, function, start, count))


def write_request(start: int, values: list[int], unit: int = 1) -> bytes:
    """Return a request to write holding registers with function 16."""
    head = struct.pack(">BBHHB", unit, 16, start, len(values), 2 * len(values))
    return framed(head + b"".join(struct.pack(">H", value) for value in values))


def checked(exchange: Exchange) -> bytes:
    """Return the reply without its CRC; AssertionError when there is none or it is damaged."""
    reply = bytes(exchange.reply)
    assert exchange.done and not exchange.damaged, exchange
    assert len(reply) >= 5 and framed(reply[:-2]) == reply, reply.hex()
    return reply[:-2]


def words(box: Box, start: int, count: int, function: int = 4) -> list[int]:
    """Read registers over the line."""
    reply = checked(box.line.ask(read_request(start, count, function)))
    assert reply[:3] == bytes((1, function, 2 * count)), reply.hex()
    return list(struct.unpack(f">{count}H", reply[3:]))


def value(box: Box, name: str) -> float:
    """Read one value, in the unit of the register list."""
    row = REGISTERS[name]
    count = 1 if row["type"] in ("u16", "i16") else 2
    return decoded(row, words(box, row["address"], count, 4 if row["table"] == "input" else 3))


def decoded(row: dict, raw: list[int]) -> float:
    """Return the value, in its unit, that a row of the register list has in registers from `raw[0]` on."""
    form = _FORMATS[row["type"]]
    packed = struct.pack(f">{struct.calcsize(form) // 2}H", *raw[: struct.calcsize(form) // 2])
    return struct.unpack(form, packed)[0] * row.get("scale", 1)


def write(box: Box, name: str, *values: int) -> int:
    """Write from a register on; return 0, or the exception code."""
    reply = checked(box.line.ask(write_request(REGISTERS[name]["address"], list(values)), 2.0))
    return reply[2] if reply[1] & 0x80 else 0


def told(box: Box, command: str, start: str) -> str:
    """Type a command at the console; return the rest of the first line after it that begins with `start`."""
    console = box.machine.console
    first = len(console.lines)
    console.write(command + "\r")

    def line() -> str | None:
        return next((line.text for line in console.lines[first:] if line.text.startswith(start)), None)

    return box.machine.run_until(line, 2.0).removeprefix(start)


def asked(box: Box, expression: str) -> Any:
    """Return the value of an expression on a board with busy_main.py, at most 39 characters."""
    return ast.literal_eval(told(box, "=" + expression, "="))

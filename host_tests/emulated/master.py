"""A Modbus master at the emulated line: requests as bytes, registers by their names (docs/registers.md)."""

import json
import struct
from pathlib import Path

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
    raw = words(box, row["address"], count, 4 if row["table"] == "input" else 3)
    packed = b"".join(struct.pack(">H", word) for word in raw)
    return struct.unpack(_FORMATS[row["type"]], packed)[0] * row.get("scale", 1)


def write(box: Box, name: str, *values: int) -> int:
    """Write from a register on; return 0, or the exception code."""
    reply = checked(box.line.ask(write_request(REGISTERS[name]["address"], list(values)), 2.0))
    return reply[2] if reply[1] & 0x80 else 0

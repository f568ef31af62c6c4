"""A Modbus master that knows the registers of the box by their names (docs/registers.md).

And what one types at the console.
"""

import ast
import json
import struct
from pathlib import Path
from typing import Any

from firmware.publish.access import KEYS
from tools.emulator.box import Box
from tools.emulator.master import checked, read_request, write_request
from tools.flash.build import board_script

_FORMATS = {"u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i"}
_DOCUMENT = Path(__file__).parents[2] / "docs" / "registers.json"
REGISTERS = {row["name"]: row for row in json.loads(_DOCUMENT.read_text())}


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


def unlock(box: Box) -> None:
    """Open the commands that need it, for 60 s."""
    for key in KEYS:
        assert write(box, "unlock", key) == 0


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
    return ast.literal_eval(told(box, "=" + board_script(expression), "="))

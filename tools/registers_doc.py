"""Write docs/registers.md and docs/registers.json from the register table: `python -m tools.registers_doc`.

`--check` writes nothing and exits with 1 when a file is not what the table says.
"""

import argparse
import json
import pathlib
import sys

from tools import cpython

ROOT = pathlib.Path(__file__).parent.parent
DOCS = ROOT / "docs"

INTRODUCTION = """\
# Registers

Generated from `tools/register_list.py` by `make docs`; the same list is in `registers.json`.

## How to read them

The box is a Modbus RTU slave, 9600 baud 8N1 and unit address 1 unless set otherwise. It serves the
functions 03 (read holding), 04 (read input), 06 and 16 (write holding, at most 123 registers; reads at
most 125).

- **Addresses** count from 0, as they are on the line. (Tools that count from 1 need one more.)
- **Value** = raw x scale, in the unit given. Values of 32 bits take two registers, the **high word
  first**, and every word its high byte first. Text has two characters a register and ends with NUL.
- **Unknown** values read 65535 (u16), -32768 (i16), 4294967295 (u32) or -2147483648 (i32). A value
  beyond its type's range reads as the end of the range.
- **Holes** inside a block read 0. A read that leaves its block, and a write to anything that is not
  marked rw, gets exception 02. A write is carried out whole or not at all.
- **Bit fields** carry one name a bit, bit 0 first: `coils` = 6 means Q_L1 and Q_L2. In `registers.json`
  the `enum` of a bit field is a list of names, that of a code an object of value and name.

One line each, from a shell and from Python (pymodbus, `client = ModbusSerialClient("/dev/ttyUSB0",
baudrate=9600)`, connected):

    mbpoll -m rtu -b 9600 -P none -a 1 -0 -t 3 -r {grid_voltage} -c 3 -1 /dev/ttyUSB0
    client.read_input_registers({grid_voltage}, count=3, device_id=1).registers

reads the three grid voltages in 0.01 V, and

    mbpoll -m rtu -b 9600 -P none -a 1 -0 -t 4 -r {soc} /dev/ttyUSB0 55
    client.write_register({soc}, 55, device_id=1)

tells the box that the battery is at 55 %, which takes effect at once.

## Settings: stage, then commit

A write to a setting only stages it: it reads back, `settings_pending` counts it, and nothing changes.
Writing 1 to `commit` makes all staged settings the running ones together. A value outside its own bounds
is refused where it is written (exception 03); a set that contradicts itself is refused at the commit
(exception 03), and then everything staged is dropped and the running set stays. One request of function
16 over the whole block, `commit` last, stages and commits in one go, and leaves nothing behind when it
is refused. A new unit address or baud rate applies after the reply to the commit has been sent.

## Signs

Import from the grid is positive and export negative; PV production is positive. A power factor has the
sign of its active power. With `pv_meter_enable` = 0 every pv_ measurement reads 0.
"""

BLOCKS = (
    (0, "Identity"),
    (40, "State"),
    (100, "Grid meter"),
    (200, "PV meter"),
    (300, "Other voltages"),
    (1000, "Commands"),
    (1010, "Settings"),
)


def registers() -> list[dict]:
    """Return every register as `registers.json` has it, and its `note`."""
    cpython.install()
    from tools.register_list import describe

    listed = []
    for name, address, table, kind, words, scale, unit, access, codes, bits, note in describe():
        entry = {"name": name, "address": address, "table": table, "type": kind, "words": words}
        entry |= {"scale": scale, "unit": unit, "access": access, "enum": None, "note": note}
        if codes:
            entry["enum"] = {str(value): code for value, code in enumerate(codes)}
        elif bits:
            entry["enum"] = list(bits)
        listed.append(entry)
    return listed


def as_json(listed: list[dict]) -> str:
    """Return the list as JSON, one register a line."""
    lines = [json.dumps({key: entry[key] for key in entry if key != "note"}) for entry in listed]
    return "[\n  " + ",\n  ".join(lines) + "\n]\n"


def _meaning(entry: dict) -> str:
    enum = entry["enum"]
    parts = [entry["note"]] if entry["note"] else []
    if isinstance(enum, dict):
        parts.append(", ".join(f"{value} {name}" for value, name in enum.items()))
    elif enum:
        parts.append("bits: " + ", ".join(f"{bit} {name}" for bit, name in enumerate(enum)))
    return "; ".join(parts)


def as_markdown(listed: list[dict]) -> str:
    """Return the page for people."""
    addresses = {entry["name"]: entry["address"] for entry in listed}
    text = INTRODUCTION.format(grid_voltage=addresses["grid_voltage_l1"], soc=addresses["soc"])
    ends = [first for first, _ in BLOCKS[1:]] + [0x10000]
    for (first, title), end in zip(BLOCKS, ends, strict=True):
        rows = [entry for entry in listed if first <= entry["address"] < end]
        function = "04" if rows[0]["table"] == "input" else "03, 06, 16"
        text += f"\n## {title} ({rows[0]['table']} registers, function {function})\n\n"
        text += "| address | name | type | scale | unit | access | meaning |\n|---|---|---|---|---|---|---|\n"
        for entry in rows:
            kind = f"ascii, {entry['words']} words" if entry["type"] == "ascii" else entry["type"]
            cells = (
                entry["address"],
                f"`{entry['name']}`",
                kind,
                entry["scale"],
                entry["unit"],
                entry["access"],
            )
            text += "| " + " | ".join(str(cell) for cell in cells) + f" | {_meaning(entry)} |\n"
    return text


def main(arguments: list[str] | None = None, folder: pathlib.Path = DOCS) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.registers_doc", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--check", action="store_true", help="only say whether the files are up to date")
    check = parser.parse_args(arguments).check
    listed = registers()
    wanted = {"registers.md": as_markdown(listed), "registers.json": as_json(listed)}
    if not check:
        folder.mkdir(exist_ok=True)
        for name, text in wanted.items():
            (folder / name).write_text(text, encoding="ascii")
        return 0
    stale = [
        name
        for name, text in wanted.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]
    if stale:
        print(f"docs: {' and '.join(stale)} not up to date with the register table; run `make docs`")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())

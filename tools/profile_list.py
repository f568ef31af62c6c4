"""What the registers of the profiles are called and mean, from the rows that the firmware serves them by.

The firmware's rows (firmware/publish/meter_image.py) say where which quantity stands; names, units, what is
there but not measured, and the holding registers, for people only, are here.
"""

from typing import NamedTuple

from firmware.publish.sdm630 import _ROWS as SDM630_ROWS
from firmware.publish.sunspec import _ROWS as SUNSPEC_ROWS

_PHASES = ("L1", "L2", "L3", "total")
# Quantities of L1..L3 and the total: what, unit, power of ten of the box's own unit, register of the grid
# meter, of the PV meter (none: it reads 0), stem and suffixes of the SunSpec point.
_ABC = ("phA", "phB", "phC", "")
_Q = {
    "V": ("voltage", "V", 2, "grid_voltage", "pv_voltage", "PhV", _ABC),
    "I": ("current", "A", 3, "grid_current", "pv_current", "A", _ABC),
    "P": ("active power", "W", 2, "grid_active_power", "pv_active_power", "W", _ABC),
    "S": ("apparent power", "VA", 2, "grid_apparent_power", "pv_apparent_power", "VA", _ABC),
    "Q": ("reactive power", "var", 2, "grid_reactive_power", "pv_reactive_power", "VAR", _ABC),
    "F": ("power factor", "", 3, "grid_power_factor", "pv_power_factor", "PF", _ABC),
    "M": (
        "energy imported",
        "Wh",
        0,
        "grid_energy_import",
        "pv_energy",
        "TotWhImp",
        ("PhA", "PhB", "PhC", ""),
    ),
    "X": ("energy exported", "Wh", 0, "grid_energy_export", "", "TotWhExp", ("PhA", "PhB", "PhC", "")),
    "B": ("energy imported and exported", "Wh", 0, "", "", "", ()),
}
# What is derived: what, unit, power of ten, where from, the SunSpec point.
_DERIVED = (
    ("mean voltage", "V", 2, "mean of the phases", "PhV"),
    ("mean current", "A", 3, "mean of the phases", ""),
    ("sum of the currents", "A", 3, "sum of the phases", "A"),
    ("frequency", "Hz", 3, "`grid_frequency`, `pv_frequency`", "Hz"),
    ("voltage L1-L2", "V", 2, "from the phases, taken as 120 degrees apart", "PPVphAB"),
    ("voltage L2-L3", "V", 2, "from the phases, taken as 120 degrees apart", "PPVphBC"),
    ("voltage L3-L1", "V", 2, "from the phases, taken as 120 degrees apart", "PPVphCA"),
    ("mean voltage between phases", "V", 2, "mean of the three", "PPV"),
    ("phase angle L1", "degrees", 3, "from the powers; 0 below 1 VA", ""),
    ("phase angle L2", "degrees", 3, "from the powers; 0 below 1 VA", ""),
    ("phase angle L3", "degrees", 3, "from the powers; 0 below 1 VA", ""),
    ("phase angle total", "degrees", 3, "from the powers; 0 below 1 VA", ""),
)

# What an SDM630 has and the box does not measure: first address, last one, what.
SDM630_UNMEASURED = (
    (0x4C, 0x4E, "reactive energy imported, exported"),
    (0x50, 0x52, "apparent energy, ampere hours"),
    (0x54, 0x5E, "power demands and their maxima"),
    (0x64, 0x6A, "apparent power and neutral current demands and their maxima"),
    (0xE0, 0xE0, "neutral current"),
    (0xEA, 0xF4, "harmonic distortion of voltages and currents"),
    (0xF8, 0xFA, "mean harmonic distortion"),
    (0x102, 0x10C, "current demands and their maxima"),
    (0x14E, 0x154, "harmonic distortion between phases"),
    (0x158, 0x158, "reactive energy, imported and exported"),
    (0x16C, 0x17C, "reactive energy of the phases"),
)
# Its holding registers: address, what, access.
SDM630_HOLDINGS = (
    (0x0A, "what the box is wired to: 1 single phase, 3 three phases and neutral", "r"),
    (0x12, "parity and stop bits: 0 8N1, 1 8E1, 2 8O1, 3 8N2", "rw"),
    (0x14, "unit address of this profile, 1 to 247", "rw"),
    (
        0x1C,
        "baud: 0 2400, 1 4800, 2 9600, 3 19200, 4 38400; 5 1200, 6 57600, 7 115200 are not the SDM630's",
        "rw",
    ),
)
# SunSpec points behind those that are measured: first address, last one, what.
SUNSPEC_UNMEASURED = ((40146, 40160, "apparent energy"), (40162, 40192, "reactive energy in four quadrants"))
SUNSPEC_FIXED = (
    (40000, 2, "SunS", 'the letters "SunS"'),
    (40002, 2, "ID, L", "1, 66: the common model"),
    (40004, 16, "Mn", "Backup Box"),
    (40020, 16, "Md", "BackupBox_PLUS"),
    (40036, 8, "Opt", '"grid meter" or "PV meter"'),
    (40044, 8, "Vr", "version of the firmware"),
    (40052, 16, "SN", "serial number of the board"),
    (40068, 1, "DA", "unit address of this profile"),
    (40070, 2, "ID, L", "213, 124: a meter with three phases; 211 on a single-phase box"),
)
SUNSPEC_LAST = ((40194, 2, "Evt", "events: 0"), (40196, 2, "ID, L", "65535, 0: the end"))


class Value(NamedTuple):
    """A float of a profile, in two registers."""

    address: int
    what: str
    unit: str
    source: str
    point: str


def values(rows: str) -> list[Value]:
    """Return every float that the rows serve, by its address."""
    listed = []
    for line in rows.splitlines():
        address, quantity, first, count, power = line.split()
        for n in range(int(first), int(first) + int(count)):
            at = int(address, 16) + 2 * (n - int(first))
            listed.append(_value(at, quantity, n, int(power)))
    return sorted(listed)


def _value(address: int, quantity: str, n: int, power: int) -> Value:
    if quantity == "D":
        what, unit, own_power, source, point = _DERIVED[n]
        return Value(address, what, _unit(unit, own_power, power), source, point)
    what, unit, own_power, grid, pv, stem, suffixes = _Q[quantity]
    unit = _unit(unit, own_power, power)
    if quantity == "B":
        return Value(address, f"{what} {_PHASES[n]}", unit, "the sum of both", "")
    suffix = f"_l{n + 1}" if n < 3 else "" if "energy" in grid else "_total"
    source = f"`{grid}{suffix}`, " + (f"`{pv}{suffix}`" if pv else "PV: 0")
    return Value(address, f"{what} {_PHASES[n]}", unit, source, stem + suffixes[n])


def _unit(unit: str, own_power: int, power: int) -> str:
    """Return the unit of a value of the box, in 10^-own_power of `unit`, that is divided by 10^power."""
    if power == own_power:
        return unit
    if power == own_power + 3:
        return "k" + unit
    raise ValueError(f"no unit for {unit} divided by 10^{power}")


def sdm630() -> str:
    """Return the section of docs/registers.md about the SDM630 profile."""
    text = SDM630_INTRODUCTION
    text += "| address | hex | what | unit | as |\n|---|---|---|---|---|\n"
    for value in values(SDM630_ROWS):
        text += f"| {value.address} | {value.address:04X} | {value.what} | {value.unit} | {value.source} |\n"
    text += "\nThese read **0**, because the box does not measure them:\n\n| hex | what |\n|---|---|\n"
    for first, last, what in SDM630_UNMEASURED:
        text += f"| {first:04X}" + (f" to {last:04X}" if last > first else "") + f" | {what} |\n"
    text += SDM630_SETTING + "| address | hex | access | what |\n|---|---|---|---|\n"
    for address, what, access in SDM630_HOLDINGS:
        text += f"| {address} | {address:04X} | {access} | {what} |\n"
    return text


def sunspec() -> str:
    """Return the section about the SunSpec profile."""
    text = SUNSPEC_INTRODUCTION
    text += "| address | point | what | unit | as |\n|---|---|---|---|---|\n"
    for address, words, point, what in SUNSPEC_FIXED:
        text += (
            f"| {address} | {point} | {what} | | {words} words |\n"
            if words > 1
            else (f"| {address} | {point} | {what} | | 1 word |\n")
        )
    for value in values(SUNSPEC_ROWS):
        text += f"| {value.address} | {value.point} | {value.what} | {value.unit} | {value.source} |\n"
    for first, last, what in SUNSPEC_UNMEASURED:
        text += f"| {first} to {last} | | {what} | | **NaN**, not implemented: not measured |\n"
    for address, words, point, what in SUNSPEC_LAST:
        text += f"| {address} | {point} | {what} | | {words} words |\n"
    return text


SDM630_INTRODUCTION = """
## SDM630 profile

At the unit addresses `sdm_grid_address` (the grid meter) and `sdm_pv_address` (the PV meter), once they
are set: the input registers of an Eastron SDM630, function 04, and three of its settings. Each value is a
float of 32 bits in two registers, high word first. Registers from 0000 to 017D hex can be read, together
or one by one.

**Signs.** Grid: import from the grid is positive and counted as imported, export negative and counted as
exported. PV: production is positive and counted as **imported**; nothing is ever counted as exported.
Reactive power is positive when the current lags; a power factor has the sign of its active power. With
`pv_meter_enable` = 0 the PV meter reads 0.

"""

SDM630_SETTING = """
On a single-phase box L2, L3 and the voltages between phases read 0 too, as does everything that is not in
these tables.

Holding registers, function 03, and function 16 to write; floats too, written whole (two registers), in
effect after the reply. A number that is none of these, or an address that is taken, gets exception 03;
with the write lock on a write gets exception 02, after too many of them exception 06. What is not in this
table reads 0.

"""

SUNSPEC_INTRODUCTION = """
## SunSpec profile

At the unit addresses `sunspec_grid_address` (the grid meter) and `sunspec_pv_address` (the PV meter),
once they are set: holding registers from 40000, function 03, found by SunSpec's discovery: the common
model 1 and the meter model 213. Nothing in it can be written. Values are floats of 32 bits in two
registers, high word first.

**Signs.** Grid: import from the grid is positive and counted as imported, export negative and counted as
exported. PV: production is positive and counted as **imported**; nothing is ever counted as exported.
Energy is in Wh here. On a single-phase box the model is 211, and phases B and C and the voltages between
phases read NaN.

"""

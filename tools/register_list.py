"""What the box's registers are called and mean: names, units, scales, codes, notes. Portable.

The firmware knows where each value stands and how it is scaled (firmware/publish/registers.py); what
only people and tools need is here, so that it takes no memory on the board. `describe` puts both together,
and host_tests/unit/test_registers.py holds them against each other.
"""

from firmware.acquire.layout import CHANNELS
from firmware.publish.registers import (
    BAUD_STEP,
    BENCH_GRID,
    CLEAR_ENERGY,
    CLOCK,
    COMMIT,
    CT_RATIO_AT,
    METERS,
    RESET_FAULTS,
    SETTINGS_FIRST,
    SOC,
    STATUS,
    TEST_TRANSFER,
    UNLOCK,
)
from firmware.publish.words import I16, I32, U16, U32, words_of
from firmware.signals import (
    BENCH_NAMES,
    COIL_NAMES,
    FAULT_NAMES,
    REASON_NAMES,
    STATE_NAMES,
    WARNING_NAMES,
)
from firmware.store.settings import SPEC

TYPE_NAMES = {U16: "u16", I16: "i16", U32: "u32", I32: "i32"}

_SINGLE = ("",)
_L123 = ("_l1", "_l2", "_l3")
_L123_TOTAL = ("_l1", "_l2", "_l3", "_total")
_L123_ALL = ("_l1", "_l2", "_l3", "")  # energies: the total has no suffix
_FLAWS = ("_absent", "_stuck", "_saturated")
_PHASES = ("L1", "L2", "L3")
_NO_YES = ("no", "yes")
_DIPS = ("DIP1", "DIP2", "DIP3", "DIP4")


def _codes(names: tuple) -> dict:
    return {"codes": names}


def _bits(names: tuple) -> dict:
    return {"bits": names}


# Rows of the firmware's tables, by their address: name, suffixes, unit, note, codes or bits.
_ROWS = {
    18: ("uptime_s", _SINGLE, "s", "", {}),
    40: ("state", _SINGLE, "", "", _codes(STATE_NAMES)),
    41: ("state_reason", _SINGLE, "", "why the grid is or was bad", _codes(REASON_NAMES)),
    42: ("failing_phase", _SINGLE, "", "", _codes(("none", "L1", "L2", "L3"))),
    43: ("return_countdown_s", _SINGLE, "s", "0: none runs", {}),
    44: ("coils", _SINGLE, "", "energised", _bits(COIL_NAMES)),
    45: ("feedback", _SINGLE, "", "not confirmed open by the auxiliary contact", _bits(COIL_NAMES)),
    46: ("phases_supplied", _SINGLE, "", "from either source", _bits(_PHASES)),
    48: ("dip_changed", _SINGLE, "", "moved since; takes effect after a restart", _codes(_NO_YES)),
    49: ("soc_age_s", _SINGLE, "s", "65535: longer, or never told", {}),
    50: ("faults", _SINGLE, "", "latched", _bits(FAULT_NAMES)),
    52: ("warnings", _SINGLE, "", "", _bits(WARNING_NAMES)),
    54: ("lost_blocks", _SINGLE, "", "sample blocks lost since the start", {}),
    56: ("settings_pending", _SINGLE, "", "settings that wait for a commit", {}),
    60: (
        "request_age_s",
        _SINGLE,
        "s",
        "since the last request, as of 0.1 s ago; 65535: longer, or never",
        {},
    ),
    57: ("channels", _FLAWS, "", "what such a channel measures reads 0", _bits(CHANNELS)),
    100: ("grid_voltage", _L123, "V", "", {}),
    103: ("grid_frequency", _SINGLE, "Hz", "0: not measurable", {}),
    104: ("grid_current", _L123, "A", "", {}),
    110: ("grid_active_power", _L123_TOTAL, "W", "import positive, export negative", {}),
    118: ("grid_reactive_power", _L123_TOTAL, "var", "positive: the current lags", {}),
    126: ("grid_apparent_power", _L123_TOTAL, "VA", "", {}),
    134: ("grid_power_factor", _L123_TOTAL, "", "sign of the active power", {}),
    138: ("grid_energy_import", _L123_ALL, "kWh", "", {}),
    146: ("grid_energy_export", _L123_ALL, "kWh", "", {}),
    200: ("pv_voltage", _L123, "V", "the load bus, which the PV inverter feeds", {}),
    203: ("pv_frequency", _SINGLE, "Hz", "the grid's; 0 while the load bus is separated from it", {}),
    204: ("pv_current", _L123, "A", "", {}),
    210: ("pv_active_power", _L123_TOTAL, "W", "production positive", {}),
    218: ("pv_reactive_power", _L123_TOTAL, "var", "", {}),
    226: ("pv_apparent_power", _L123_TOTAL, "VA", "", {}),
    234: ("pv_power_factor", _L123_TOTAL, "", "", {}),
    238: ("pv_energy", _L123_ALL, "kWh", "", {}),
    300: ("load_voltage", _L123, "V", "", {}),
    303: ("backup_voltage", _L123, "V", "", {}),
}

# What a reader multiplies a raw value with, by the unit of the box's value; 1 for all others.
_SCALES = {
    "cv": 0.01,
    "ma": 0.001,
    "cw": 0.1,  # the box has 0.01 W, a raw step is ten of them
    "cvar": 0.1,
    "cva": 0.1,
    "mil": 0.001,
    "mhz": 0.001,
}

# What never changes while the box runs: address, name, type, words, note, codes or bits.
_IDENTITY: tuple = (
    (0, "meter_model", "ascii", 8, "padded with NUL", {}),
    (8, "firmware_version", "ascii", 8, "ends in BENCH on a bench board; padded with NUL", {}),
    (16, "bench", "u16", 1, "1: a bench board, everything measured is made up", _codes(_NO_YES)),
    (47, "dip_switches", "u16", 1, "as read at the start", _bits(_DIPS)),
)

# Holding registers but the settings: address, name, unit, access, note, codes.
_COMMANDS: tuple = (
    (SOC, "soc", "%", "rw", "state of charge, 0 to 100, at once; 65535: never told", {}),
    (RESET_FAULTS, "reset_faults", "", "rw", "write 1, unlocked", {}),
    (CT_RATIO_AT, "ct_ratio", "", "r", "cannot be changed", {}),
    (
        BENCH_GRID,
        "bench_grid",
        "",
        "rw",
        "what the grid of a bench board is to be like; no other board takes it (exception 02)",
        _codes(BENCH_NAMES),
    ),
    (
        UNLOCK,
        "unlock",
        "s",
        "rw",
        "write 21930 (55AA hex), then 43605 (AA55 hex): opens the commands for 60 s; reads the seconds left",
        {},
    ),
    (CLEAR_ENERGY, "clear_energy", "", "rw", "write 1, unlocked: all energy counters begin anew", {}),
    (
        TEST_TRANSFER,
        "test_transfer",
        "s",
        "rw",
        "write 10 to 600, unlocked: feed the house from the backup output for so long; reads what is left. "
        "Exception 04 unless the house is on a sound grid, without faults; given up after 5 s without backup",
        {},
    ),
    (
        COMMIT,
        "commit",
        "",
        "rw",
        "write 1: the staged settings take effect together, or none does",
        {},
    ),
)

_MEANINGS = {
    "unit_address": "Modbus unit address",
    "baud_rate": "Modbus baud rate: 1200, 2400, 4800, 9600, 19200, 38400, 57600 or 115200",
    "pv_meter_enable": "serve the PV meter: 1 yes, 0 no",
    "backup_phases": "phases that the backup output feeds, bits 0 to 2",
    "load_management_enable": "drop phases by state of charge in backup: 1 yes, 0 no",
    "priority_l1": "priority of L1, 1 highest; 0 not entered",
    "priority_l2": "priority of L2, 1 highest; 0 not entered",
    "priority_l3": "priority of L3, 1 highest; 0 not entered",
    "soc_min_l1": "L1 is off below this state of charge; 10 to 100, 0 not entered",
    "soc_min_l2": "L2 is off below this state of charge; 10 to 100, 0 not entered",
    "soc_min_l3": "L3 is off below this state of charge; 10 to 100, 0 not entered",
    "soc_hysteresis": "a dropped phase returns this much above its limit",
    "restore_gap_s": "least time between two restored phases",
    "soc_stale_s": "a state of charge older than this is stale",
    "undervoltage_dv": "grid bad below this",
    "overvoltage_dv": "grid bad above this",
    "return_low_dv": "grid good again above this",
    "return_high_dv": "grid good again below this",
    "frequency_low_chz": "grid bad below this",
    "frequency_high_chz": "grid bad above this",
    "return_frequency_low_chz": "grid good again above this",
    "return_frequency_high_chz": "grid good again below this",
    "confirm_ms": "a voltage or frequency outside its limit counts after this",
    "qualification_ms": "the grid is good after this long without a break",
    "return_delay_s": "return delay with DIP 4 ON or after too many transfers",
    "dead_time_ms": "between the opening of one side and the closing of the other",
    "stagger_ms": "between the closing of two backup phases",
    "feedback_ms": "a contactor must have confirmed by then",
    "retry_s": "wait before a failed switching is tried again",
    "backup_low_dv": "backup output usable above this",
    "backup_high_dv": "backup output usable below this",
    "line_format": "bits of a character",
    "write_lock": "1: nothing but soc and unlock can be written, unless unlocked",
    "master_lost_s": "a warning when no master has asked for longer than this; 0 never",
    "sdm_grid_address": "unit address at which the grid meter is an SDM630; 0 off",
    "sdm_pv_address": "unit address at which the PV meter is an SDM630; 0 off",
    "sunspec_grid_address": "unit address at which the grid meter is a SunSpec meter; 0 off",
    "sunspec_pv_address": "unit address at which the PV meter is a SunSpec meter; 0 off",
    "dead_bus_dv": "a phase of the load bus counts as dead below this",
}
_SETTING_BITS = {"backup_phases": _PHASES}
_SETTING_CODES = {
    "pv_meter_enable": _NO_YES,
    "load_management_enable": _NO_YES,
    "write_lock": _NO_YES,
    "line_format": ("8N1", "8E1", "8O1", "8N2"),
}


def describe() -> list:
    """Return every register: (name, address, table, type, words, scale, unit, access, codes, bits, note)."""
    listed = []
    for address, name, kind, words, note, more in _IDENTITY:
        listed.append(_entry(name, address, "input", kind, words, 1, "", "r", note, more))
    for row in STATUS + METERS:
        listed.extend(_describe_row(row))
    for address, name, unit, access, note, more in _COMMANDS:
        listed.append(_entry(name, address, "holding", "u16", 1, 1, unit, access, note, more))
    note = "seconds since 1970, 2020 to 2100; both registers in one request; 0: never set"
    listed.append(_entry("clock", CLOCK, "holding", "u32", 2, 1, "s", "rw", note, {}))
    for item, spec in enumerate(SPEC):
        listed.append(_describe_setting(SETTINGS_FIRST + item, spec))
    listed.sort(key=lambda entry: entry[1])
    return listed


def addresses() -> dict:
    """Return the address of every register by its name."""
    return {entry[0]: entry[1] for entry in describe()}


def decode(kind: str, content, at: int = 0) -> int:
    """Return the raw integer of a type (u16 to i32) at content[at:]."""
    raw = (content[at] << 8) | content[at + 1]
    bits = 16
    if kind[1:] == "32":
        raw = (raw << 16) | (content[at + 2] << 8) | content[at + 3]
        bits = 32
    return raw - (1 << bits) if kind[0] == "i" and raw >> (bits - 1) else raw


def _entry(name, address, table, kind, words, scale, unit, access, note, more) -> tuple:
    place = (name, address, table, kind, words, scale, unit, access)
    return place + (more.get("codes", ()), more.get("bits", ()), note)


def _describe_row(row: tuple) -> list:
    address, count, kind, _step, _whose, attribute = row
    name, suffixes, unit, note, more = _ROWS[address]
    words = words_of(kind)
    # The box counts whole Wh.
    scale = 0.001 if unit == "kWh" else _SCALES.get(attribute.split("_")[-1], 1)
    return [
        _entry(
            name + suffixes[n],
            address + n * words,
            "input",
            TYPE_NAMES[kind],
            words,
            scale,
            unit,
            "r",
            note,
            more,
        )
        for n in range(count)
    ]


def _describe_setting(address: int, spec: tuple) -> tuple:
    """A unit of "0.1 V" is scale 0.1, unit V."""
    key, default, low, high, unit = spec
    scale: float = 1
    if key == "baud_rate":
        scale = BAUD_STEP
        default, low, high = default // BAUD_STEP, low // BAUD_STEP, high // BAUD_STEP
    elif " " in unit:
        step, unit = unit.split(" ")
        scale = float(step)
    note = "staged: %s; raw %d to %d, default %d" % (_MEANINGS[key], low, high, default)
    more = {"codes": _SETTING_CODES.get(key, ()), "bits": _SETTING_BITS.get(key, ())}
    return _entry(key, address, "holding", "u16", 1, scale, unit, "rw", note, more)

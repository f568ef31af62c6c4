"""The box's register table: every register's name, address, type, scale, unit and source.

Input registers 0 to 399 are what the box measures and decides, holding registers from 1000 what a master
may write (and `ct_ratio`, which it may only read). docs/registers.md is generated from here.
"""

from micropython import const

from firmware.publish.register_map import (
    ADDRESS,
    BITS,
    CODES,
    HOLDING,
    INPUT,
    NAME,
    NOTE,
    QUANTITY,
    READ,
    RUN,
    SINGLE,
    TABLE_NAMES,
    WRITE,
    AddressSpace,
    RegisterMap,
    row,
)
from firmware.publish.words import ASCII, I16, I32, TYPE_NAMES, U16, U32, quantity
from firmware.signals import (
    BYPASS,
    COIL_NAMES,
    FAULT_NAMES,
    K_GRID,
    REASON_NAMES,
    STATE_NAMES,
    WARNING_NAMES,
)
from firmware.store.settings import SPEC, check_one

METER_MODEL = b"BackupBox_PLUS"  # what the storage system's set-up looks for, to the letter
FIRMWARE_VERSION = b"0.1.0"
CT_RATIO = const(1)
SOC_NEVER_TOLD = const(0xFFFF)

SETTINGS_FIRST = const(1010)
_BAUD_STEP = const(100)  # 115200 does not fit 16 bits

INPUT_BLOCKS = ((0, 19), (40, 59), (100, 153), (200, 249), (300, 305))
HOLDING_BLOCKS = ((1000, 1002), (SETTINGS_FIRST, SETTINGS_FIRST + len(SPEC)))

_L123 = ("_l1", "_l2", "_l3")
_L123_TOTAL = ("_l1", "_l2", "_l3", "_total")
_L123_ALL = ("_l1", "_l2", "_l3", "")  # energies: the total has no suffix
_PHASES = ("L1", "L2", "L3")
_NO_YES = ("no", "yes")

_SETTING_BITS = {"backup_phases": _PHASES}
_SETTING_CODES = {"pv_meter_enable": _NO_YES, "load_management_enable": _NO_YES}


def _pv(box, value):
    """Return a value of the PV meter, 0 while that meter is not served."""
    return value if box.settings["pv_meter_enable"] else 0


def _pv_frequency(box, _item):
    """Return the frequency that the PV inverter sees: the grid's while the load bus hangs on it, else 0."""
    return _pv(box, box.readings.frequency if box.coils & K_GRID or box.state == BYPASS else 0.0)


def _read_soc(box, _item):
    return SOC_NEVER_TOLD if box.battery.soc < 0 else box.battery.soc


def _accept_soc(_box, _item, raw):
    return raw <= 100


def _write_soc(box, _item, raw):
    box.set_soc(raw)
    return True


def _is_one(_box, _item, raw):
    return raw == 1


def _zero(_box, _item):
    return 0


def _reset_faults(box, _item, _raw):
    box.reset_faults()
    return True


def _commit(box, _item, _raw):
    return not box.commit()


def _read_setting(box, item):
    key = SPEC[item][0]
    value = box.staging.get(key)
    return value // _BAUD_STEP if key == "baud_rate" else value


def _setting(item, raw):
    return raw * _BAUD_STEP if SPEC[item][0] == "baud_rate" else raw


def _accept_setting(_box, item, raw):
    return not check_one(SPEC[item][0], _setting(item, raw))


def _write_setting(box, item, raw):
    return not box.staging.stage(SPEC[item][0], _setting(item, raw))


def input_rows() -> list:
    """Return the rows of the input table."""
    text = quantity(ASCII, 1, "", 1, 8)
    number = quantity(U16, 1, "", 1)
    mask = quantity(U32, 1, "", 1)
    seconds = quantity(U16, 1, "s", 1)
    volts = quantity(U16, 0.01, "V", 100)
    amperes = quantity(U32, 0.001, "A", 1000)
    watts = quantity(I32, 0.1, "W", 10)
    var = quantity(I32, 0.1, "var", 10)
    voltamperes = quantity(U32, 0.1, "VA", 10)
    factor = quantity(I16, 0.001, "", 1000)
    hertz = quantity(U16, 0.001, "Hz", 1000)
    kwh = quantity(U32, 0.001, "kWh", 1)  # the box counts whole Wh
    return [
        row(0, "meter_model", SINGLE, text, lambda box, n: METER_MODEL, note="padded with NUL"),
        row(8, "firmware_version", SINGLE, text, lambda box, n: FIRMWARE_VERSION, note="padded with NUL"),
        row(16, "bench", SINGLE, number, lambda box, n: 1 if box.synthetic else 0, codes=_NO_YES,
            note="1: a bench board, everything measured is made up"),
        row(18, "uptime_s", SINGLE, quantity(U32, 1, "s", 1), lambda box, n: box.uptime_s),

        row(40, "state", SINGLE, number, lambda box, n: box.state, codes=STATE_NAMES),
        row(41, "state_reason", SINGLE, number, lambda box, n: box.state_reason, codes=REASON_NAMES,
            note="why the grid is or was bad"),
        row(42, "failing_phase", SINGLE, number, lambda box, n: box.failing_phase,
            codes=("none", "L1", "L2", "L3")),
        row(43, "return_countdown_s", SINGLE, seconds, lambda box, n: box.countdown_s, note="0: none runs"),
        row(44, "coils", SINGLE, number, lambda box, n: box.coils, bits=COIL_NAMES, note="energised"),
        row(45, "feedback", SINGLE, number, lambda box, n: box.feedback, bits=COIL_NAMES,
            note="not confirmed open by the auxiliary contact"),
        row(46, "phases_supplied", SINGLE, number, lambda box, n: box.phases_supplied, bits=_PHASES,
            note="from either source"),
        row(47, "dip_switches", SINGLE, number, lambda box, n: box.dip, note="as read at the start",
            bits=("DIP1", "DIP2", "DIP3", "DIP4")),
        row(48, "dip_changed", SINGLE, number, lambda box, n: 1 if box.dip_changed else 0, codes=_NO_YES,
            note="moved since; takes effect after a restart"),
        row(49, "soc_age_s", SINGLE, seconds, lambda box, n: box.battery.age_s(),
            note="65535: longer, or never told"),
        row(50, "faults", SINGLE, mask, lambda box, n: box.faults, bits=FAULT_NAMES, note="latched"),
        row(52, "warnings", SINGLE, mask, lambda box, n: box.warnings, bits=WARNING_NAMES),
        row(54, "lost_blocks", SINGLE, mask, lambda box, n: box.lost_blocks,
            note="sample blocks lost since the start"),
        row(56, "settings_pending", SINGLE, number, lambda box, n: len(box.staging.staged),
            note="settings that wait for a commit"),

        row(100, "grid_voltage", _L123, volts, lambda box, n: box.readings.v[n]),
        row(103, "grid_frequency", SINGLE, hertz, lambda box, n: box.readings.frequency,
            note="0: not measurable"),
        row(104, "grid_current", _L123, amperes, lambda box, n: box.readings.i[n]),
        row(110, "grid_active_power", _L123_TOTAL, watts, lambda box, n: box.readings.grid_p[n],
            note="import positive, export negative"),
        row(118, "grid_reactive_power", _L123_TOTAL, var, lambda box, n: box.readings.grid_q[n],
            note="positive: the current lags"),
        row(126, "grid_apparent_power", _L123_TOTAL, voltamperes, lambda box, n: box.readings.grid_s[n]),
        row(134, "grid_power_factor", _L123_TOTAL, factor, lambda box, n: box.readings.grid_pf[n],
            note="sign of the active power"),
        row(138, "grid_energy_import", _L123_ALL, kwh, lambda box, n: box.energy.grid_import[n]),
        row(146, "grid_energy_export", _L123_ALL, kwh, lambda box, n: box.energy.grid_export[n]),

        row(200, "pv_voltage", _L123, volts, lambda box, n: _pv(box, box.readings.u[n]),
            note="the load bus, which the PV inverter feeds"),
        row(203, "pv_frequency", SINGLE, hertz, _pv_frequency,
            note="the grid's; 0 while the load bus is separated from it"),
        row(204, "pv_current", _L123, amperes, lambda box, n: _pv(box, box.readings.pv_i[n])),
        row(210, "pv_active_power", _L123_TOTAL, watts, lambda box, n: _pv(box, box.readings.pv_p[n]),
            note="production positive"),
        row(218, "pv_reactive_power", _L123_TOTAL, var, lambda box, n: _pv(box, box.readings.pv_q[n])),
        row(226, "pv_apparent_power", _L123_TOTAL, voltamperes,
            lambda box, n: _pv(box, box.readings.pv_s[n])),
        row(234, "pv_power_factor", _L123_TOTAL, factor, lambda box, n: _pv(box, box.readings.pv_pf[n])),
        row(238, "pv_energy", _L123_ALL, kwh, lambda box, n: _pv(box, box.energy.pv[n])),

        row(300, "load_voltage", _L123, volts, lambda box, n: box.readings.u[n]),
        row(303, "backup_voltage", _L123, volts, lambda box, n: box.readings.b[n]),
    ]  # fmt: skip


def holding_rows() -> list:
    """Return the rows of the holding table; the settings are one run, in the order of their SPEC."""
    number = quantity(U16, 1, "", 1)
    return [
        row(1000, "soc", SINGLE, quantity(U16, 1, "%", 1), _read_soc, _accept_soc, _write_soc,
            note="state of charge, 0 to 100, at once; 65535: never told"),
        row(1001, "reset_faults", SINGLE, number, _zero, _is_one, _reset_faults, note="write 1"),
        row(1002, "ct_ratio", SINGLE, number, lambda box, n: CT_RATIO, note="cannot be changed"),
        row(SETTINGS_FIRST, "", tuple(spec[0] for spec in SPEC), number, _read_setting, _accept_setting,
            _write_setting),
        row(SETTINGS_FIRST + len(SPEC), "commit", SINGLE, number, _zero, _is_one, _commit,
            note="write 1: the staged settings take effect together, or none does"),
    ]  # fmt: skip


def build_registers(box) -> RegisterMap:
    """Return the register map of a box."""
    inputs = AddressSpace(INPUT_BLOCKS, input_rows())
    return RegisterMap(box, inputs, AddressSpace(HOLDING_BLOCKS, holding_rows()))


def describe():
    """Yield every register: (name, address, table, type, words, scale, unit, access, codes, bits, note)."""
    for table, rows in ((INPUT, input_rows()), (HOLDING, holding_rows())):
        for entry in rows:
            kind, words, scale, unit, _factor = entry[QUANTITY]
            access = "r" if entry[WRITE] is None else "rw"
            meaning = (scale, unit, entry[CODES], entry[BITS], entry[NOTE])
            for item, suffix in enumerate(entry[RUN]):
                if entry[READ] is _read_setting:
                    meaning = _describe_setting(SPEC[item])
                scale, unit, codes, bits, note = meaning
                address = entry[ADDRESS] + item * words
                place = (entry[NAME] + suffix, address, TABLE_NAMES[table], TYPE_NAMES[kind], words)
                yield place + (scale, unit, access, codes, bits, note)


def _describe_setting(spec: tuple) -> tuple:
    """Return (scale, unit, codes, bits, note) of a setting; its unit "0.1 V" is scale 0.1, unit V."""
    key, default, low, high, unit, meaning = spec
    scale: float = 1
    if key == "baud_rate":
        scale = _BAUD_STEP
        default, low, high = default // _BAUD_STEP, low // _BAUD_STEP, high // _BAUD_STEP
    elif " " in unit:
        step, unit = unit.split(" ")
        scale = float(step)
    note = "staged: %s; raw %d to %d, default %d" % (meaning, low, high, default)
    return scale, unit, _SETTING_CODES.get(key, ()), _SETTING_BITS.get(key, ()), note

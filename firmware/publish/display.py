"""The pages of the display: four lines of exactly 20 ASCII characters each.

The first line is a title, with the page's number at its right, or BENCH on a synthetic board, so that
nobody takes made-up values for measured ones.
"""

from micropython import const

from firmware.signals import (
    BACKUP,
    FAULT_NAMES,
    GRID,
    GRID_OK,
    INTERRUPTION,
    REASON_NAMES,
    STATE_NAMES,
    WARNING_NAMES,
    names,
)

WIDTH = const(20)
_TITLE = const(15)
_LINES = const(3)  # below the title
_FIXED = const(8)  # pages before the list of faults and warnings

_OFF_ON = ("off", "on")
_PHASES = ("L1", "L2", "L3")
# Used where a line would be too long, in this order.
_SHORTER = (
    ("interruption", "outage"),
    ("undervoltage", "undervolt"),
    ("overvoltage", "overvolt"),
    ("phase sequence", "sequence"),
    ("phase loss", "lost"),
    ("not measured", "unmeasured"),
    ("frequency", "freq"),
    ("changed", "moved"),
    ("not closed", "no close"),
    ("not open", "no open"),
    ("undervolt", "low-V"),
    ("overvolt", "high-V"),
)


def fit(text: str, width: int) -> str:
    """Return `text` in exactly `width` characters: shortened by words, whole words dropped, cut at last."""
    for long, short in _SHORTER:
        if len(text) <= width:
            break
        text = text.replace(long, short)
    while len(text) > width and " " in text:
        text = text[: text.rfind(" ")].rstrip()
    return text[:width] + " " * (width - len(text))


def number(value: float, width: int, decimals: int) -> str:
    """Return a value right-aligned in `width` characters, dashes if it is unknown or does not fit."""
    if value is None or value != value:
        return "-" * width
    text = "%*.*f" % (width, decimals, value)
    return text if len(text) <= width else "-" * width


def readable(name: str) -> str:
    """Return a signal's name as a person writes it: `k_grid_not_open` as "K_GRID not open"."""
    for coil, shown in (("k_grid", "K_GRID"), ("q_l", "Q_L")):
        if name.lower().startswith(coil):
            return shown + name[len(coil) :].replace("_", " ")
    return name.replace("_", " ")


def _where(phase: int) -> str:
    """Return "L2 " for phase 2, nothing for 0 (all phases, or none)."""
    return "L%d " % phase if phase else ""


def _overview(box) -> list:
    where = "" if box.state_reason == INTERRUPTION else _where(box.failing_phase)  # it is all phases
    why = where + readable(REASON_NAMES[box.state_reason])
    if box.state_reason == GRID_OK:
        why = "grid ok" if box.state == GRID else ""
    faults, warnings = len(names(box.faults, FAULT_NAMES)), len(names(box.warnings, WARNING_NAMES))
    if box.countdown_s:
        what = "return in %d s" % box.countdown_s
    elif faults or warnings:
        what = "faults %d warnings %d" % (faults, warnings)
    else:
        what = "SOC " + _soc(box)
    supplied = [_OFF_ON[box.phases_supplied >> n & 1] for n in range(3)]
    return [readable(STATE_NAMES[box.state]).upper(), why, what, "L1 %-3s L2 %-3s L3 %-3s" % tuple(supplied)]


def _grid(box) -> list:
    now = box.readings
    lines = ["GRID" + number(now.frequency, 7, 2) + " Hz"]
    for n in range(3):
        lines.append("%s %s V %s A" % (_PHASES[n], number(now.v[n], 5, 1), number(now.i[n], 6, 2)))
    return lines


def _powers(name: str, p: list, pf: list) -> list:
    lines = [name + number(p[3], 8, 0) + " W"]
    for n in range(3):
        lines.append("%s %s W  pf%s" % (_PHASES[n], number(p[n], 6, 0), number(pf[n], 5, 2)))
    return lines


def _grid_power(box) -> list:
    return _powers("GRID", box.readings.grid_p, box.readings.grid_pf)


def _pv_power(box) -> list:
    if not box.settings["pv_meter_enable"]:
        return ["PV", "not served"]
    return _powers("PV", box.readings.pv_p, box.readings.pv_pf)


def _kwh(name: str, wh: int) -> str:
    whole = "%d.%03d" % (wh // 1000, wh % 1000)
    return "%-7s%13s" % (name, whole)


def _energy(box) -> list:
    energy = box.energy
    return [
        "ENERGY kWh",
        _kwh("import", energy.grid_import[3]),
        _kwh("export", energy.grid_export[3]),
        _kwh("PV", energy.pv[3]),
    ]


def _voltages(box) -> list:
    now = box.readings
    lines = ["V grid load bkp"]
    for n in range(3):
        lines.append(_PHASES[n] + "".join([" " + number(volts[n], 5, 1) for volts in (now.v, now.u, now.b)]))
    return lines


def _soc(box) -> str:
    return "never told" if box.battery.soc < 0 else "%d %%" % box.battery.soc


def _backup(box) -> list:
    age = "" if box.battery.soc < 0 else "  age %d s" % box.battery.age_s()
    enabled = box.settings["load_management_enable"]
    off = [_PHASES[n] for n in range(3) if box.settings["backup_phases"] & ~box.phases_supplied & (1 << n)]
    if box.state != BACKUP:
        off = []
    return [
        "BACKUP",
        "SOC " + _soc(box) + age,
        "load management " + _OFF_ON[enabled],
        ("shed: " if enabled else "off: ") + (" ".join(off) or "none"),
    ]


def _priorities(box) -> list:
    lines = ["LOAD MANAGEMENT"]
    for n in range(3):
        priority = box.settings["priority_l%d" % (n + 1)]
        least = box.settings["soc_min_l%d" % (n + 1)]
        entered = "prio %d from %3d %%" % (priority, least) if priority else "not entered"
        lines.append(_PHASES[n] + " " + entered)
    return lines


def _alarm_names(box) -> list:
    faults = ["F " + readable(name) for name in names(box.faults, FAULT_NAMES)]
    return faults + ["W " + readable(name) for name in names(box.warnings, WARNING_NAMES)]


def _alarm_pages(box) -> int:
    return max(1, (len(_alarm_names(box)) + _LINES - 1) // _LINES)


def _alarms(box, part: int) -> list:
    found = _alarm_names(box) or ["no faults", "no warnings"]
    return ["FAULTS/WARNINGS"] + found[part * _LINES : (part + 1) * _LINES]


def _age(seconds: int) -> str:
    for limit, size, letter in ((100, 1, "s"), (6000, 60, "m"), (360000, 3600, "h")):
        if seconds < limit:
            return "%2d%s" % (seconds // size, letter)
    return "%2dd" % (seconds // 86400)


def _event(name: str, fields: dict) -> str:
    """Return what happened, as short as it can be said."""
    where = _where(fields.get("phase", 0))
    reason = readable(fields.get("reason", "none"))
    why = "" if reason == "none" else " " + where + reason
    if name == "state":
        return readable(fields.get("state", name)) + why
    if name == "grid":
        return "grid ok" if fields.get("good") else "grid" + why
    if name == "shed":
        return where + _OFF_ON[bool(fields.get("supplied"))] + " SOC %d" % fields.get("soc", -1)
    if name == "settings":
        return "settings saved" if fields.get("accepted") else "settings refused"
    if name == "fault":
        return readable(fields.get("name", name)) if fields.get("on") else "faults reset"
    text = readable(fields.get("name", name))
    return text + " " + _OFF_ON[bool(fields["on"])] if "on" in fields else text


def _events(box) -> list:
    lines = ["LAST EVENTS"]
    for t_ms, name, fields in reversed(box.log.entries[-_LINES:]):
        lines.append(_age((box.log.now_ms - t_ms) // 1000) + " " + _event(name, fields))
    return lines if len(lines) > 1 else lines + ["none"]


def page_count(box) -> int:
    """Return how many pages there are now; faults and warnings take as many as they need."""
    return _FIXED + _alarm_pages(box) + 1


def page(box, n: int) -> list:
    """Return page `n` (counted round) as four lines of 20 characters."""
    pages = page_count(box)
    n %= pages
    if n < _FIXED:
        show = (_overview, _grid, _grid_power, _pv_power, _energy, _voltages, _backup, _priorities)[n]
        lines = show(box)
    elif n < pages - 1:
        lines = _alarms(box, n - _FIXED)
    else:
        lines = _events(box)
    corner = "BENCH" if box.synthetic else "%2d/%-2d" % (n + 1, pages)
    shown = [fit(lines[0], _TITLE) + corner]
    for line in lines[1:]:
        shown.append(fit(line, WIDTH))
    while len(shown) < 1 + _LINES:
        shown.append(" " * WIDTH)
    return shown

"""What the pages of the display say: four lines of at most 20 ASCII characters each.

The first line is a title, with the page's number at its right, or BENCH on a synthetic board, so that
nobody takes made-up values for measured ones. A page is a generator of its lines: each is one small piece
of work (pages.py).
"""

from micropython import const

from firmware.signals import (
    BACKUP,
    COIL_NAMES,
    FAULT_NAMES,
    GRID,
    GRID_OK,
    INTERRUPTION,
    REASON_NAMES,
    STATE_NAMES,
    WARN_CONVERTER,
    WARNING_NAMES,
    names,
)

WIDTH = const(20)
TITLE = const(15)
LINES = const(3)  # below the title
_FIXED = const(8)  # pages before the list of faults and warnings

_OFF_ON = ("off", "on")
_PHASES = ("L1", "L2", "L3")
# Used where a line would be too long, in this order; in one string, which takes less memory than many.
_SHORTER = (
    "interruption=outage,undervoltage=undervolt,overvoltage=overvolt,phase sequence=sequence,"
    "phase loss=lost,not measured=unmeasured,frequency=freq,changed=moved,not closed=no close,"
    "not open=no open,channel =,converter =conv. ,undervolt=low-V,overvolt=high-V"
)


def fit(text: str, width: int) -> str:
    """Return `text` in at most `width` characters: shortened by words, whole words dropped, cut at last."""
    if len(text) <= width:
        return text
    for pair in _SHORTER.split(","):
        long, short = pair.split("=")
        text = text.replace(long, short)
        if len(text) <= width:
            return text
    while len(text) > width and " " in text:
        text = text[: text.rfind(" ")].rstrip()
    return text[:width]


def readable(name: str) -> str:
    """Return a signal's name as a person writes it: `k_grid_not_open` as "K_GRID not open"."""
    if name.startswith("k_grid"):
        return "K_GRID" + name[6:].replace("_", " ")
    if name.startswith("q_l"):
        return "Q_L" + name[3:].replace("_", " ")
    return name if name in COIL_NAMES else name.replace("_", " ")


def _where(phase: int) -> str:
    """Return "L2 " for phase 2, nothing for 0 (all phases, or none)."""
    return "L%d " % phase if phase else ""


def _overview(box):
    yield readable(STATE_NAMES[box.state]).upper()
    reason = box.state_reason
    if reason == GRID_OK:
        yield "grid ok" if box.state == GRID else ""
    else:
        where = "" if reason == INTERRUPTION else _where(box.failing_phase)  # it is all phases
        yield where + readable(REASON_NAMES[reason])
    countdown_s = box.countdown_s
    if countdown_s:
        yield "return in %d s" % countdown_s
    elif box.faults or box.warnings:
        yield "faults %d warnings %d" % (_bits(box.faults), _bits(box.warnings))
    else:
        yield "SOC " + _soc(box)
    on = box.phases_supplied
    yield "L1 %-3s L2 %-3s L3 %-3s" % (_OFF_ON[on & 1], _OFF_ON[on >> 1 & 1], _OFF_ON[on >> 2 & 1])


def _grid(box):
    now = box.readings
    hundredths = (now.frequency_mhz + 5) // 10
    yield "GRID %3d.%02d Hz" % (hundredths // 100, hundredths % 100)
    for n in range(3):
        tenths, hundredths = (now.v_cv[n] + 5) // 10, (now.i_ma[n] + 5) // 10
        yield "%s %3d.%d V %3d.%02d A " % (
            _PHASES[n],
            tenths // 10,
            tenths % 10,
            hundredths // 100,
            hundredths % 100,
        )


def _grid_power(box):
    now = box.readings
    return _powers("GRID", now.grid_p_cw, now.grid_pf_mil)


def _pv_power(box):
    if not box.settings["pv_meter_enable"]:
        return iter(("PV", "not served"))
    now = box.readings
    return _powers("PV", now.pv_p_cw, now.pv_pf_mil)


def _powers(name: str, p_cw: list, pf_mil: list):
    yield "%s%8d W" % (name, (p_cw[3] + 50) // 100)
    for n in range(3):
        pf = (pf_mil[n] + 5) // 10
        sign, pf = ("-", -pf) if pf < 0 else (" ", pf)
        yield "%s %6d W  pf%s%d.%02d" % (_PHASES[n], (p_cw[n] + 50) // 100, sign, pf // 100, pf % 100)


def _energy(box):
    energy = box.energy
    yield "ENERGY kWh"
    for name, wh in (("import", energy.grid_import), ("export", energy.grid_export), ("PV", energy.pv)):
        yield "%-7s%9d.%03d" % (name, wh[3] // 1000, wh[3] % 1000)


def _voltages(box):
    now = box.readings
    yield "V grid load bkp"
    for n in range(3):
        v, u, b = (now.v_cv[n] + 5) // 10, (now.u_cv[n] + 5) // 10, (now.b_cv[n] + 5) // 10
        yield "%s %3d.%d %3d.%d %3d.%d" % (_PHASES[n], v // 10, v % 10, u // 10, u % 10, b // 10, b % 10)


def _soc(box) -> str:
    return "never told" if box.battery.soc < 0 else "%d %%" % box.battery.soc


def _backup(box):
    yield "BACKUP"
    yield "SOC " + _soc(box) + ("" if box.battery.soc < 0 else "  age %d s" % box.soc_age_s)
    enabled = box.settings["load_management_enable"]
    yield "load management " + _OFF_ON[enabled]
    off = box.settings["backup_phases"] & ~box.phases_supplied if box.state == BACKUP else 0
    yield ("shed: " if enabled else "off: ") + (" ".join(names(off, _PHASES)) or "none")


def _priorities(box):
    settings = box.settings
    yield "LOAD MANAGEMENT"
    for n, suffix in enumerate(("l1", "l2", "l3")):
        priority = settings["priority_" + suffix]
        if priority:
            yield "%s prio %d from %3d %%" % (_PHASES[n], priority, settings["soc_min_" + suffix])
        else:
            yield _PHASES[n] + " not entered"


def _bits(mask: int) -> int:
    """Return how many bits are set."""
    count = 0
    while mask:
        count += mask & 1
        mask >>= 1
    return count


def _alarm_pages(box) -> int:
    count = _bits(box.faults) + _bits(box.warnings & ~WARN_CONVERTER) + len(box.channel_texts)
    return max(1, (count + LINES - 1) // LINES)


def _alarms(box, part: int):
    found = ["F " + readable(name) for name in names(box.faults, FAULT_NAMES)]
    yield "FAULTS/WARNINGS"
    found += ["W " + readable(name) for name in names(box.warnings & ~WARN_CONVERTER, WARNING_NAMES)]
    found += ["W " + text for text in box.channel_texts]
    yield from (found or ["no faults", "no warnings"])[part * LINES : (part + 1) * LINES]


def _age(seconds: int) -> str:
    for limit, size, letter in ((100, 1, "s"), (6000, 60, "m"), (360000, 3600, "h")):
        if seconds < limit:
            return "%2d%s" % (seconds // size, letter)
    return "%2dd" % (seconds // 86400)


def _event(name: str, fields: dict) -> str:
    """Return what happened, as short as it can be said."""
    if name == "state":
        return readable(fields.get("state", name)) + _why(fields)
    if name == "grid":
        return "grid ok" if fields.get("good") else "grid" + _why(fields)
    if name == "shed":
        supplied = _OFF_ON[bool(fields.get("supplied"))]
        return "%s%s SOC %d" % (_where(fields.get("phase", 0)), supplied, fields.get("soc", -1))
    if name == "settings":
        return "settings saved" if fields.get("accepted") else "settings refused"
    if name == "fault":
        return readable(fields.get("name", name)) if fields.get("on") else "faults reset"
    if name == "converter":
        return fields.get("name", name) + " " + (fields.get("flaw", "") if fields.get("on") else "good")
    text = readable(fields.get("name", name))
    return text + " " + _OFF_ON[bool(fields["on"])] if "on" in fields else text


def _why(fields: dict) -> str:
    """Return the reason of an event with its phase, after a space; nothing when there is none."""
    reason = fields.get("reason", "none")
    return "" if reason == "none" else " " + _where(fields.get("phase", 0)) + readable(reason)


def _events(box):
    yield "LAST EVENTS"
    log = box.log
    if not log.entries:
        yield "none"
    for back in range(1, min(LINES, len(log.entries)) + 1):
        t_ms, name, fields = log.entries[-back]
        yield _age((log.now_ms - t_ms) // 1000) + " " + _event(name, fields)


_PAGES = (_overview, _grid, _grid_power, _pv_power, _energy, _voltages, _backup, _priorities)


def page_count(box) -> int:
    """Return how many pages there are now; faults and warnings take as many as they need."""
    return _FIXED + _alarm_pages(box) + 1


def lines_of(box, n: int, pages: int):
    """Return a generator of the lines of page `n` (from 0) of `pages`, not yet cut to their width."""
    if n < _FIXED:
        return _PAGES[n](box)
    if n < pages - 1:
        return _alarms(box, n - _FIXED)
    return _events(box)

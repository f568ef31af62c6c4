"""Events as lines of a story: clock time, who, what and why."""

from typing import Any

from tools.units import InUnits

_GONE_V = 23.0
_BAD_V = 184.0
_STATES = {
    "starting": "looks at the grid before it connects anything",
    "to_grid": "connects the house to the grid",
    "grid": "NORMAL: the house is on the grid",
    "to_backup": "separates the house from the grid",
    "backup": "BACKUP: the house is on the battery",
    "fault": "FAULT",
    "off": "switched OFF: every contactor open",
    "bypass": "bypassed: every contactor open",
}
_ORDER = ("plant", "start", "grid", "state", "shed")


def clock(t_s: float, tenths: bool = True) -> str:
    """Return the time of day of `t_s` seconds since midnight."""
    in_tenths = int(t_s * 10 + 1e-6)
    text = f"{in_tenths // 36000 % 24:02d}:{in_tenths // 600 % 60:02d}:{in_tenths // 10 % 60:02d}"
    return f"{text}.{in_tenths % 10}" if tenths else text[:5]


class Timeline:
    """Turns the events of one simulation step into lines; `limits` are the phases' least SOC in percent."""

    def __init__(self, limits: list[int]) -> None:
        self._limits = limits
        self._grid_bad = False

    def lines(self, events: list[dict[str, Any]], box) -> list[str]:
        """Return the lines for events that happened in one step, after which `box` is as it is now."""
        told: list[str] = []
        coils: dict[bool, list[str]] = {False: [], True: []}
        for event in sorted(events, key=_rank):
            if event["event"] == "coil":
                coils[event["on"]].append(event["name"])
                continue
            who, text = self._tell(event, box)
            if text:
                told.append(_line(event["t_ms"], who, text))
        for on in (False, True):
            if coils[on]:
                verb = ("close" if on else "open") + ("s" if len(coils[on]) == 1 else "")
                told.append(_line(events[-1]["t_ms"], "box", f"  {', '.join(coils[on])} {verb}"))
        return told

    def status(self, t_s: float, box) -> str:
        """Return one line on how things are."""
        readings = InUnits(box.readings)
        grid_kw, pv_kw = readings.grid_p[3] / 1000, readings.pv_p[3] / 1000
        supplied = [f"L{n + 1}" for n in range(3) if box.phases_supplied >> n & 1]
        text = f"grid {max(readings.v):3.0f} V {grid_kw:+5.2f} kW, PV {pv_kw:4.2f} kW"
        text += f", battery {box.battery.soc:2} %, supplied: {' '.join(supplied) or 'nothing'}"
        return f"{clock(t_s, tenths=False):10}  {'':7} {text}"

    def _tell(self, event: dict[str, Any], box) -> tuple[str, str]:
        kind = event["event"]
        if kind == "plant":
            return "plant", self._plant(event)
        if kind == "start":
            dips = [f"DIP {n + 1}" for n in range(4) if event["dip"] >> n & 1]
            return "box", f"starts, firmware {event['version']}, {' and '.join(dips) or 'no DIP'} ON"
        if kind == "grid":
            return "box", self._grid(event, box)
        if kind == "state":
            text = _STATES[event["state"]]
            if event["state"] in ("to_backup", "fault"):
                text += f" ({event['reason']}{_seen_on(event['phase'])})"
            return "box", text
        if kind == "shed":
            return "box", self._shed(event)
        if kind == "settings":
            outcome = "accepted and stored" if event["accepted"] else f"refused: {event['reason']}"
            return "box", f"  settings {outcome}"
        if kind in ("aux", "store"):
            return "", ""
        rest = " ".join(f"{key}={value}" for key, value in event.items() if key not in ("t_ms", "event"))
        return "box", f"{kind} {rest}"

    def _plant(self, event: dict[str, Any]) -> str:
        texts = []
        if "note" in event:
            texts.append(event["note"])
        if "hazard" in event:
            texts.append("HAZARD: " + event["hazard"])
        if "backup" in event:
            texts.append("the storage system's backup output comes " + ("up" if event["backup"] else "down"))
        if "grid_v" in event:
            volts = event["grid_v"]
            shown = " / ".join(f"{volt:.0f}" for volt in volts) + " V"
            bad = min(volts) < _BAD_V
            if max(volts) < _GONE_V:
                texts.append("the grid fails")
            elif bad:
                texts.append(f"the grid drops to {shown}")
            elif self._grid_bad:
                texts.append(f"the grid is back at {shown}")
            self._grid_bad = bad
        texts.extend(
            f"{key} {event[key]}" for key in ("fault", "switch", "bypass", "restart") if event.get(key)
        )
        return "; ".join(texts)

    def _grid(self, event: dict[str, Any], box) -> str:
        if not event["good"]:
            if event["reason"] == "not_measured":
                return ""
            return f"finds the grid bad: {event['reason']}{_seen_on(event['phase'])}"
        if box.countdown_s > 1:
            return f"finds the grid good, and waits {box.countdown_s} s: DIP 4 is ON"
        return "finds the grid good"

    def _shed(self, event: dict[str, Any]) -> str:
        phase = event["phase"]
        if event["supplied"]:
            return f"L{phase} may be supplied again"
        return f"drops L{phase}: battery at {event['soc']} %, below its {self._limits[phase - 1]} %"


def _rank(event: dict[str, Any]) -> int:
    """Order what happened in one step as cause and effect."""
    return _ORDER.index(event["event"]) if event["event"] in _ORDER else len(_ORDER)


def _seen_on(phase: int) -> str:
    return f", seen on L{phase}" if phase else ""


def _line(t_ms: float, who: str, text: str) -> str:
    return f"{clock(t_ms / 1000):10}  {who:7} {text}"

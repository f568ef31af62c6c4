"""Scenarios: TOML files of `[[step]]` tables, checked whole before anything runs. CPython only."""

import math
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.simulator.switchgear import KINDS, NAMES

FAULTS = ("none", *(f"{kind}_{name}" for kind in KINDS for name in NAMES))
_PHASE_W = 63 * 230.0  # what one phase carries


class ScenarioError(ValueError):
    """A scenario was refused; the text names file, step and reason."""


def _number(low: float, high: float, unit: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not _is_number(value) or not low <= value <= high:
            return f"must be a number from {low:g} to {high:g} {unit}".rstrip()
        return ""

    return check


def _is_number(value: Any) -> bool:
    # TOML's integers may be too large for a float, which math.isfinite would not take.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -math.inf < value < math.inf


def _three(low: float, high: float, unit: str) -> Callable[[Any], str]:
    one = _number(low, high, unit)

    def check(value: Any) -> str:
        if not isinstance(value, list) or len(value) != 3 or any(one(x) for x in value):
            return f"must be three numbers from {low:g} to {high:g} {unit}".rstrip()
        return ""

    return check


def _one_or_three(low: float, high: float, unit: str, phases: int) -> Callable[[Any], str]:
    """`phases`: how many phases a single number is divided among."""
    one, three = _number(low, high * phases, unit), _three(low, high, unit)

    def check(value: Any) -> str:
        if not one(value) or not three(value):
            return ""
        return f"{one(value)}, or three of {low:g} to {high:g}"

    return check


def _power_factor(value: Any) -> str:
    values = value if isinstance(value, list) else [value] * 3
    if len(values) != 3 or not all(_is_number(x) and 0.05 <= abs(x) <= 1 for x in values):
        return "must be 0.05 to 1 (lagging) or -0.05 to -1 (capacitive), or three of them"
    return ""


def _harmonics(value: Any) -> str:
    if not isinstance(value, dict):
        return 'must be a table such as {"3"=0.05, "5"=0.03}'
    for order, part in value.items():
        if not order.isdecimal() or len(order) > 2 or not 2 <= int(order) <= 50:
            return f"has no order {order}; orders are 2 to 50"
        if not _is_number(part) or not 0 <= part <= 1:
            return f"of order {order} must be 0 to 1 of the fundamental"
    if sum(value.values()) > 0.9:
        return "add up to more than 0.9 of the fundamental"
    return ""


def _boolean(value: Any) -> str:
    return "" if isinstance(value, bool) else "must be true or false"


def _only_true(value: Any) -> str:
    return "" if value is True else "must be true, or be left out"


def _choice(*choices: str) -> Callable[[Any], str]:
    return lambda value: "" if value in choices else "must be one of " + ", ".join(choices)


def _dip(value: Any) -> str:
    sound = isinstance(value, list) and len(value) == 4 and all(_is_number(x) and x in (0, 1) for x in value)
    return "" if sound else "must be four of 0 or 1, DIP 1 first"


def _percent(value: Any) -> str:
    sound = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100
    return "" if sound else "must be a whole number from 0 to 100 %"


KEYS: dict[str, Callable[[Any], str]] = {
    "at_s": _number(0, 31536000, "s"),
    "grid_v": _three(0, 400, "V"),
    "grid_hz": _number(30, 70, "Hz"),
    "grid_deg": _three(-360, 360, "degrees"),
    "harmonics": _harmonics,
    "noise_lsb": _number(0, 50, "counts"),
    "load_w": _one_or_three(0, _PHASE_W, "W", 3),
    "load_pf": _power_factor,
    "pv_w": _one_or_three(0, _PHASE_W, "W", 3),
    "backup_v": _one_or_three(0, 400, "V", 1),
    "backup_hz": _number(30, 70, "Hz"),
    "backup_delay_s": _number(0, 3600, "s"),
    "soc": _percent,
    "soc_silent": _boolean,
    "fault": _choice(*FAULTS),
    "switch": _choice("off", "auto"),
    "bypass": _boolean,
    "dip": _dip,
    "restart": _only_true,
}


def load(path: str | Path) -> list[dict[str, Any]]:
    """Return the steps of a scenario file in the order of their time. Raises ScenarioError."""
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: not TOML: {error}") from error
    except RecursionError as error:
        raise ScenarioError(f"{path}: not a scenario: nested too deep") from error
    unknown = [key for key in document if key != "step"]
    if unknown:
        raise ScenarioError(f"{path}: unknown key {unknown[0]}; a scenario holds [[step]] tables only")
    steps = document.get("step")
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        raise ScenarioError(f"{path}: there is no [[step]]")
    for number, step in enumerate(steps, 1):
        reason = check(step)
        if reason:
            raise ScenarioError(f"{path}: step {number}: {reason}")
    return sorted(steps, key=lambda step: step["at_s"])


def check(step: dict[str, Any]) -> str:
    """Return why a step is refused, or an empty string."""
    if "at_s" not in step:
        return "at_s is missing"
    for key, value in step.items():
        if key not in KEYS:
            return f"unknown key {key}; known are {', '.join(KEYS)}"
        reason = KEYS[key](value)
        if reason:
            return f"{key} {reason}, not {value!r}"
    return ""

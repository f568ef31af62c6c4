"""Events as text: JSON lines and lines for people, with their fields in the same order everywhere."""

import json

# MicroPython's dictionaries keep no order; these come first, the others by name.
_FIRST = ("t_ms", "event", "name", "state", "on", "not_open", "good", "reason", "phase")


def fields(event: dict) -> list:
    """Return the event's keys in their order."""
    return [key for key in _FIRST if key in event] + sorted(key for key in event if key not in _FIRST)


def to_json(event: dict) -> str:
    """Return the event as one line of JSON, the same text on every interpreter."""
    return "{" + ", ".join(['"%s": %s' % (key, _json(event[key])) for key in fields(event)]) + "}"


def _json(value) -> str:
    """MicroPython's json prints some floats to 16 digits (8521.200000000001), and dictionaries unordered."""
    if isinstance(value, float):
        text = "%.4f" % value
        return text[:-3] if text.endswith("000") else text.rstrip("0")
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join([_json(item) for item in value]) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(['"%s": %s' % (key, _json(value[key])) for key in sorted(value)]) + "}"
    return json.dumps(value)


def line(event: dict) -> str:
    """Return the event as a line for people."""
    texts = ["%s=%s" % (key, _text(event[key])) for key in fields(event) if key not in ("t_ms", "event")]
    return "%11.4f s  %-8s %s" % (event["t_ms"] / 1000, event["event"], " ".join(texts))


def _text(value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)

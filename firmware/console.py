"""What may be typed at the console of a running box: looks, and on the bench a failing grid; no more.

Loaded when something has been typed, and not kept: on a Pico that is 2 KB.
"""

from firmware.publish.events import event_line
from firmware.signals import COIL_NAMES, FAULT_NAMES, REASON_NAMES, STATE_NAMES, WARNING_NAMES

_HELP = (
    "status          what the box does and why",
    "log             the events since the start, and why it last crashed",
    "play N          bench only: 0 sound grid, 1 interruption, 2 L1 lost, 3 dip, 4 undervoltage,",
    "                5 overvoltage, 6 wrong frequency",
    "help            this list; Ctrl-C stops the box with every coil off",
)


def answer(box, crashes: str, line: str) -> list:
    """Return the lines that answer a typed line; `crashes` is what is kept of earlier ones."""
    words = line.split()
    if words[0] == "status" and len(words) == 1:
        return _status(box)
    if words[0] == "log" and len(words) == 1:
        return _log(box.log, crashes)
    if words[0] == "play":
        return _play(box, words[1:])
    if words[0] == "help":
        return list(_HELP)
    return ["there is no command %s; help lists what there is" % words[0]]


def _status(box) -> list:
    readings = box.readings
    return [
        "%s %s, %s, up %d s"
        % (box.board_name, STATE_NAMES[box.state], REASON_NAMES[box.state_reason], box.uptime_s),
        "coils %s; faults %s; warnings %s"
        % (
            _names(box.coils, COIL_NAMES),
            _names(box.faults, FAULT_NAMES),
            _names(box.warnings, WARNING_NAMES),
        ),
        "grid %s V, %s W, %d mHz" % (_row(readings.v_cv), _row(readings.grid_p_cw), readings.frequency_mhz),
        "load %s V; backup %s V; pv %s W"
        % (_row(readings.u_cv), _row(readings.b_cv), _row(readings.pv_p_cw)),
        "blocks %d, lost %d" % (box.front_end.blocks, box.lost_blocks),
    ]


def _log(log, crashes: str) -> list:
    lines = [event_line(event) for event in log.entries]
    if log.dropped:
        lines.insert(0, "(%d older events are gone)" % log.dropped)
    if crashes:
        lines = ["crashes:"] + crashes.split("\n") + ["events:"] + lines
    return lines


def _play(box, words: list) -> list:
    if not box.synthetic:
        return ["this board measures a real grid: there is nothing to play"]
    try:
        box.board.sampler.play(int(words[0]))
    except (IndexError, ValueError):
        return ["play needs a number from 0 to 6"]
    return ["playing %s" % words[0]]


def _names(mask: int, names: tuple) -> str:
    found = [name for bit, name in enumerate(names) if mask >> bit & 1]
    return " ".join(found) or "none"


def _row(values: list) -> str:
    return " ".join(["%d" % ((value + 50) // 100) for value in values[:3]])

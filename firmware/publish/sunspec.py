"""A profile for masters that know SunSpec: common model 1 and meter model 213 (211 on a single phase).

Holding registers from 40000, found by discovery. Floats; what the box does not measure reads NaN, which
SunSpec calls not implemented. Import is positive and counted as import; for the PV meter that is what the
inverter produces.
"""

import struct

from micropython import const

from firmware.publish.meter_image import MeterImage
from firmware.publish.register_map import HOLDING, Image
from firmware.publish.service import MAKER

FIRST = const(40000)
_COMMON = const(40002)
_COMMON_WORDS = const(66)
_METER = const(40070)
_METER_WORDS = const(124)
LAST = const(40197)  # the end model: 65535, no words
_END = const(40196)
_THREE_PHASES = const(213)
_SINGLE_PHASE = const(211)
_EVENTS = const(40196 - 2)

# From 40072 on, the model's first point; the apparent and reactive energies behind these are not measured.
_ROWS = """\
9c88 D 2 1 3
9c8a I 0 3 3
9c90 D 0 1 2
9c92 V 0 3 2
9c98 D 7 1 2
9c9a D 4 3 2
9ca0 D 3 1 3
9ca2 P 3 1 2
9ca4 P 0 3 2
9caa S 3 1 2
9cac S 0 3 2
9cb2 Q 3 1 2
9cb4 Q 0 3 2
9cba F 3 1 3
9cbc F 0 3 3
9cc2 X 3 1 0
9cc4 X 0 3 0
9cca M 3 1 0
9ccc M 0 3 0
"""
_NOT_A_NUMBER = b"\x7f\xc0\x00\x00"


class SunSpec(MeterImage):
    """The grid or the PV meter as a SunSpec meter. `key` is the setting that holds its unit address."""

    def __init__(self, box, pv: bool, key: str, desk: tuple) -> None:
        image = Image(((FIRST, LAST),))
        rows = _ROWS if box.phases == 3 else _without_other_phases(_ROWS)
        MeterImage.__init__(self, box, pv, HOLDING, image, rows, desk)
        content = image.content
        content[0:4] = b"SunS"
        struct.pack_into(">HH", content, 2 * (_COMMON - FIRST), 1, _COMMON_WORDS)
        model = box.identity
        at = 2 * (_COMMON - FIRST) + 4
        for text, size in (
            (MAKER, 32),
            (model[5], 32),
            (b"PV meter" if pv else b"grid meter", 16),
            (model[2], 16),
            (box.serial, 32),
        ):
            content[at : at + len(text)] = text
            at += size
        struct.pack_into(">H", content, at, box.settings[key])
        at = 2 * (_METER - FIRST)
        struct.pack_into(
            ">HH", content, at, _THREE_PHASES if box.phases == 3 else _SINGLE_PHASE, _METER_WORDS
        )
        for place in range(at + 4, 2 * (_EVENTS - FIRST), 4):
            content[place : place + 4] = _NOT_A_NUMBER
        struct.pack_into(">HH", content, 2 * (_END - FIRST), 0xFFFF, 0)


def _without_other_phases(rows: str) -> str:
    """Return the rows of a single-phase meter: no L2, no L3, and no voltages between phases."""
    left = []
    for line in rows.split("\n"):
        if line and line.split()[1:3] not in (["D", "7"], ["D", "4"]):
            left.append(line.replace(" 0 3 ", " 0 1 "))
    return "\n".join(left)

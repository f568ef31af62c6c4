"""A profile for masters that know the Eastron SDM630: its input registers as floats, three holding registers.

Addresses from its public protocol description (SDM630-Modbus V2). What the box does not measure (demands,
harmonic distortion, reactive and apparent energy, neutral current) reads 0, as does what it leaves free.
Import is positive and counted as import; for the PV meter that is what the inverter produces.
"""

import struct

from micropython import const

from firmware.publish.meter_image import MeterImage
from firmware.publish.register_map import BUSY, HOLDING, ILLEGAL_ADDRESS, ILLEGAL_VALUE, INPUT, Image

LAST_INPUT = const(0x17D)
_ROWS = """\
0 V 0 3 2
6 I 0 3 3
c P 0 3 2
12 S 0 3 2
18 Q 0 3 2
1e F 0 3 3
24 D 8 3 3
2a D 0 1 2
2e D 1 2 3
34 P 3 1 2
38 S 3 1 2
3c Q 3 1 2
3e F 3 1 3
42 D 11 1 3
46 D 3 1 3
48 M 3 1 3
4a X 3 1 3
c8 D 4 4 2
fe F 3 1 3
156 B 3 1 3
15a M 0 3 3
160 X 0 3 3
166 B 0 3 3
"""
# Holding registers, floats: what the box is wired to (1: single phase, 3: three phases and neutral), and what
# can be written: parity and stop bits (0 8N1, 1 8E1, 2 8O1, 3 8N2), address, baud rate.
_SYSTEM = const(0x0A)
_FORMAT = const(0x12)
_ADDRESS = const(0x14)
_BAUD = const(0x1C)
_HOLDING_BLOCK = (0x00, 0x25)  # as far as clients read in one request
# By the code of the baud rate; the last two are not the SDM630's.
BAUD_RATES = (2400, 4800, 9600, 19200, 38400, 1200, 57600, 115200)


class Sdm630(MeterImage):
    """The grid or the PV meter as an SDM630. `key` is the setting that holds its unit address."""

    def __init__(self, box, pv: bool, key: str, desk: tuple) -> None:
        MeterImage.__init__(self, box, pv, INPUT, Image(((0, LAST_INPUT),)), _ROWS, desk)
        self._key = key
        self._shown: dict = {}  # the settings that the holding registers show
        self._holdings = Image((_HOLDING_BLOCK,))
        self._renew_written()

    def read(self, table: int, start: int, count: int, into, at: int) -> int:
        """Input or holding registers."""
        if table != HOLDING:
            return self.image.read(start, count, into, at)
        if self._shown is not self.box.settings:  # a new set with every change, whoever made it
            self._renew_written()
        return self._holdings.read(start, count, into, at)

    def write(self, start: int, count: int, source, at: int) -> int:
        """Set format, address or baud rate: whole floats, all or none, in effect after the reply."""
        if self._holdings.place(start, count) < 0 or start & 1 or count & 1 or self.box.locked:
            return ILLEGAL_ADDRESS
        for address in range(start, start + count, 2):
            if address != _FORMAT and address != _ADDRESS and address != _BAUD:
                return ILLEGAL_ADDRESS
        changes = {}
        for address in range(start, start + count, 2):
            value = struct.unpack(">f", bytes(source[at : at + 4]))[0]
            at += 4
            if not 0.0 <= value <= 247.0 or value != int(value):
                return ILLEGAL_VALUE
            code = int(value)
            if address == _FORMAT:
                changes["line_format"] = code
            elif address == _ADDRESS:
                if not code:
                    return ILLEGAL_VALUE
                changes[self._key] = code
            elif code < len(BAUD_RATES):
                changes["baud_rate"] = BAUD_RATES[code]
            else:
                return ILLEGAL_VALUE
        if not self.box.access.may_wear(self.box.uptime_s):
            return BUSY
        return ILLEGAL_VALUE if self.box.change(changes) else 0

    def _renew_written(self) -> None:
        """Show the settings as they are."""
        settings = self._shown = self.box.settings
        for address, value in (
            (_SYSTEM, 3 if self.box.phases == 3 else 1),
            (_FORMAT, settings["line_format"]),
            (_ADDRESS, settings[self._key]),
            (_BAUD, BAUD_RATES.index(settings["baud_rate"])),
        ):
            place = self._holdings.place(address, 2)
            struct.pack_into(">f", self._holdings.content, place, float(value))

"""What another maker's meter would show: floats at that meter's addresses, ready to be copied into a reply.

A profile is a list of rows in a text, one a line: address (hex), quantity, first of its values, how many, and
the power of ten by which the box's unit is divided. Quantities:

    V I P S Q F   voltage, current, active, apparent and reactive power of L1..L3 (0 to 2), of the powers the
                  total too (3); F power factors, likewise
    M X B         energy imported, exported, and both together, L1..L3 and the total
    D             mean voltage, mean and sum of the currents, frequency, voltages L1-L2, L2-L3, L3-L1 and
                  their mean, phase angles L1..L3 and total in 0.001 degrees

For the PV meter import is what the inverter produces.
"""

import math

import micropython
from micropython import const

from firmware.measure.fixed import root
from firmware.publish.register_map import ILLEGAL_ADDRESS, Image

_QUANTITIES = "VIPSQFMXBD"
_ROW = const(6)
_COUNTS = (3, 3, 4, 4, 4, 4, 4, 4, 4, 12)  # values of each quantity
_ZEROS = (0, 0, 0, 0)
# What `step` does at once, at most 1 ms on a Pico: there is time for a piece or two in a turn of the loop.
_ROWS_AT_ONCE = const(12)
_TAKE = const(-2)  # in the place of a row: take the lists,
_DERIVE = const(-1)  # and work out what follows from them
_LEAST_CVA = const(100)  # below 1 VA there is no phase angle


def new_desk(size: int) -> tuple:
    """Return room for what is to be shown next, up to `size` bytes, and for the values that it is made of.

    The values are by quantity, as they were at one moment: the readings are written anew before all is shown.
    """
    return bytearray(size), tuple([[0] * count for count in _COUNTS])


class MeterImage:
    """One profile of the grid meter, or of the PV meter, in one register table.

    `step` renews some rows; the values, all of one measuring window, appear with the last one. `desk` is
    where they are worked out, see `new_desk`; it may be shared with images that are renewed at another time.
    """

    def __init__(self, box, pv: bool, table: int, image: Image, rows: str, desk: tuple) -> None:
        self.box = box
        self.pv = pv
        self.table = table
        self.image = image
        coming, self._quantities = desk
        self._coming = memoryview(coming)[: len(image.content)]
        self._rows = _parsed(rows, image)
        self._next = len(self._rows)

    def read(self, table: int, start: int, count: int, into, at: int) -> int:
        """As registers.Registers.read."""
        if table != self.table:
            return ILLEGAL_ADDRESS
        return self.image.read(start, count, into, at)

    def write(self, start: int, count: int, source, at: int) -> int:
        """Nothing here can be written."""
        return ILLEGAL_ADDRESS

    def renew(self) -> None:
        """Renew all values from the next `step` on."""
        self._next = _TAKE

    def step(self) -> bool:
        """Renew some rows; False when there is none left to be renewed."""
        at = self._next
        rows = self._rows
        if at >= len(rows):
            return False
        if at < 0:
            if at == _TAKE:
                self._take()
            else:
                self._derive()
            self._next = at + 1
            return True
        end = min(at + _ROW * _ROWS_AT_ONCE, len(rows))
        while at < end:
            values = self._quantities[rows[at + 2]]
            divisor = (1, 10, 100, 1000)[rows[at + 5]]
            place = rows[at] << 8 | rows[at + 1]
            put_floats(values, rows[at + 3], rows[at + 4], divisor, self._coming, place)
            at += _ROW
        self._next = at
        if at == len(rows):
            self.image.content[:] = self._coming
        return True

    def _take(self) -> None:
        """Copy the values as they are now, and what is never renewed."""
        self._coming[:] = self.image.content
        box = self.box
        r, e = box.readings, box.energy
        if not self.pv:
            lists: tuple = (r.v_cv, r.i_ma, r.grid_p_cw, r.grid_s_cva, r.grid_q_cvar, r.grid_pf_mil)
            lists += (e.grid_import, e.grid_export)
            mhz = r.frequency_mhz
        elif box.settings["pv_meter_enable"]:
            lists = (r.u_cv, r.pv_i_ma, r.pv_p_cw, r.pv_s_cva, r.pv_q_cvar, r.pv_pf_mil, e.pv, _ZEROS)
            mhz = box.pv_frequency_mhz
        else:
            lists = (_ZEROS,) * 8
            mhz = 0
        for k in range(len(lists)):
            values, present = self._quantities[k], lists[k]
            for n in range(len(values)):
                values[n] = present[n]
        self._quantities[9][3] = mhz

    def _derive(self) -> None:
        volts, amperes, p, s, q, _pf, gained, drawn, both, derived = self._quantities
        for n in range(4):
            both[n] = gained[n] + drawn[n]
        phases = self.box.phases
        derived[0] = sum(volts) // phases
        derived[2] = sum(amperes)
        derived[1] = derived[2] // phases
        if phases == 3:
            for n in range(3):
                derived[4 + n] = _between(volts[n], volts[(n + 1) % 3])
            derived[7] = (derived[4] + derived[5] + derived[6]) // 3
        for n in range(4):
            angle = math.atan2(q[n], p[n]) if s[n] >= _LEAST_CVA else 0.0
            derived[8 + n] = int(math.degrees(angle) * 1000)


def _between(a: int, b: int) -> int:
    """Return the voltage between two phases that are 120 degrees apart, of their voltages to neutral.

    Of quarters, so that the squares stay below 2^30 (up to 700 V), and without a float: `root` gives eight
    times the voltage again, to 0.02 V.
    """
    a, b = (a + 2) >> 2, (b + 2) >> 2
    return (root(a * a + a * b + b * b) + 4) >> 3


def _parsed(rows: str, image: Image) -> bytearray:
    """Return the rows as bytes: place in the image (two), quantity, first, count, power of ten."""
    parsed = bytearray()
    for line in rows.split("\n"):
        if line:
            address, quantity, first, count, power = line.split()
            place = image.place(int(address, 16), 2 * int(count))
            row = (place >> 8, place & 0xFF, _QUANTITIES.index(quantity), int(first), int(count), int(power))
            parsed.extend(bytes(row))
    return parsed


@micropython.viper
def put_floats(values, first: int, count: int, divisor: int, into: ptr8, at: int):  # type: ignore[name-defined]
    """Write values[first : first + count], each divided by 1 to 1000, as floats of 32 bits into into[at:].

    Integers all the way, so that no object is made: |value| < 2^31, the result is rounded to the nearest
    float, a tie away from zero. The quotient has 25 bits, the last one decides on the rounding.
    """
    n = first
    end = first + count
    while n < end:
        value = int(values[n])
        n += 1
        sign = 0
        if value < 0:
            sign = 0x80
            value = 0 - value
        high = 0
        low = 0
        if value > 0:
            exponent = 127 + 24  # of a quotient of 25 bits
            while value < 0x20000000:
                value <<= 1
                exponent -= 1
            quotient = value // divisor
            rest = value - quotient * divisor
            while quotient >= 0x2000000:
                quotient >>= 1
                exponent += 1
            while quotient < 0x1000000:
                quotient <<= 1
                rest <<= 1
                if rest >= divisor:
                    rest -= divisor
                    quotient += 1
                exponent -= 1
            quotient = (quotient + 1) >> 1
            if quotient >> 24:
                quotient >>= 1
                exponent += 1
            high = (exponent << 7) | ((quotient >> 16) & 0x7F)
            low = quotient & 0xFFFF
        into[at] = sign | (high >> 8)
        into[at + 1] = high & 0xFF
        into[at + 2] = low >> 8
        into[at + 3] = low & 0xFF
        at += 4

"""The box's registers: where each value stands, its type and scale, and what a master may write.

Input registers 0 to 399 are what the box measures and decides, holding registers from 1000 what a master
may write (and `ct_ratio`, which it may only read). What they are called and mean, for people and tools, is in
tools/register_list.py; docs/registers.md is generated from there.
"""

from array import array

from micropython import const

from firmware.publish.register_map import (
    ILLEGAL_ADDRESS,
    ILLEGAL_VALUE,
    INPUT,
    Image,
    copy_bytes,
)
from firmware.publish.words import I16, I32, U16, U32, put_row
from firmware.signals import BENCH_NAMES
from firmware.store.settings import SPEC, check_row

METER_MODEL = b"BackupBox_PLUS"  # what the storage system's set-up looks for, to the letter
FIRMWARE_VERSION = b"0.1.0"
BENCH_MARK = b" BENCH"
CT_RATIO = const(1)
SOC_NEVER_TOLD = const(0xFFFF)
BAUD_STEP = const(100)  # 115200 does not fit 16 bits

INPUT_BLOCKS = ((0, 19), (40, 59), (100, 249), (300, 305))
HOLDING_BLOCKS = ((1000, 1003), (1010, 1010 + len(SPEC)))

MODEL = const(0)
VERSION = const(8)
BENCH = const(16)
DIP_SWITCHES = const(47)

SOC = const(1000)
RESET_FAULTS = const(1001)
CT_RATIO_AT = const(1002)
BENCH_GRID = const(1003)
SETTINGS_FIRST = const(1010)
COMMIT = SETTINGS_FIRST + len(SPEC)

# Whose attribute a row shows.
_BOX = const(0)
_READINGS = const(1)
_ENERGY = const(2)
_PV_READINGS = const(3)  # zeros while the PV meter is not served
_PV_ENERGY = const(4)
_ZEROS = (0, 0, 0, 0)
_WORD = (0, 1, U16, 1)  # a row of a single plain word

# Rows: address, how many values, type, how many of the box's units make a raw step, whose attribute, which.
STATUS = (
    (18, 1, U32, 1, _BOX, "uptime_s"),
    (40, 1, U16, 1, _BOX, "state"),
    (41, 1, U16, 1, _BOX, "state_reason"),
    (42, 1, U16, 1, _BOX, "failing_phase"),
    (43, 1, U16, 1, _BOX, "countdown_s"),
    (44, 1, U16, 1, _BOX, "coils"),
    (45, 1, U16, 1, _BOX, "feedback"),
    (46, 1, U16, 1, _BOX, "phases_supplied"),
    (48, 1, U16, 1, _BOX, "dip_changed"),
    (52, 1, U32, 1, _BOX, "warnings"),
    (54, 1, U32, 1, _BOX, "lost_blocks"),
    (57, 3, U16, 1, _BOX, "bad_channels"),
    # What a write changes at once.
    (49, 1, U16, 1, _BOX, "soc_age_s"),
    (50, 1, U32, 1, _BOX, "faults"),
    (56, 1, U16, 1, _BOX, "settings_pending"),
)
_WRITTEN = const(12)
METERS = (
    (100, 3, U16, 1, _READINGS, "v_cv"),
    (103, 1, U16, 1, _READINGS, "frequency_mhz"),
    (104, 3, U32, 1, _READINGS, "i_ma"),
    (110, 4, I32, 10, _READINGS, "grid_p_cw"),
    (118, 4, I32, 10, _READINGS, "grid_q_cvar"),
    (126, 4, U32, 10, _READINGS, "grid_s_cva"),
    (134, 4, I16, 1, _READINGS, "grid_pf_mil"),
    (138, 4, U32, 1, _ENERGY, "grid_import"),
    (146, 4, U32, 1, _ENERGY, "grid_export"),
    (200, 3, U16, 1, _PV_READINGS, "u_cv"),
    (203, 1, U16, 1, _BOX, "pv_frequency_mhz"),
    (204, 3, U32, 1, _PV_READINGS, "pv_i_ma"),
    (210, 4, I32, 10, _PV_READINGS, "pv_p_cw"),
    (218, 4, I32, 10, _PV_READINGS, "pv_q_cvar"),
    (226, 4, U32, 10, _PV_READINGS, "pv_s_cva"),
    (234, 4, I16, 1, _PV_READINGS, "pv_pf_mil"),
    (238, 4, U32, 1, _PV_ENERGY, "pv"),
    (300, 3, U16, 1, _READINGS, "u_cv"),
    (303, 3, U16, 1, _READINGS, "b_cv"),
)
_METERS_FIRST = const(100)


class Registers:
    """A box as its master sees it; what the Modbus slave reads and writes.

    `step` renews one row. Meter values appear all together, when the last of them has been renewed: a
    reply never mixes two measuring windows.
    """

    def __init__(self, box) -> None:
        self.box = box
        self.inputs = Image(INPUT_BLOCKS)
        self.holdings = Image(HOLDING_BLOCKS)
        self._places = array("H", [self.inputs.place(row[0], 1) for row in METERS + STATUS])
        self._meters_place = self.inputs.place(_METERS_FIRST, 1)
        self._coming = bytearray(len(self.inputs.content))  # meter values that are being renewed
        self._changes = -1  # of the settings, that the registers show
        self._meter = self._status = self._setting = 0  # the next one of each kind
        self._one = [0]  # a row of a single value
        self._write_identity()
        self.renew()

    # -- as the master sees them ----------------------------------------------------------------------

    def read(self, table: int, start: int, count: int, into, at: int) -> int:
        """Fill into[at:] with `count` registers of INPUT or HOLDING; return 0 or an exception code."""
        image = self.inputs if table == INPUT else self.holdings
        return image.read(start, count, into, at)

    def write(self, start: int, count: int, source, at: int) -> int:
        """Write `count` holding registers, all or none, from source[at:]; return 0 or an exception code.

        The whole request is judged, first its addresses, then its values, before any of it takes effect.
        Effects come in the order of the addresses. What is refused only then is the commit, the last
        register: it drops all that was staged. The registers show it after `renew`.
        """
        if self.holdings.place(start, count) < 0:
            return ILLEGAL_ADDRESS
        for n in range(count):
            if not self._writable(start + n):
                return ILLEGAL_ADDRESS
        for n in range(count):
            if not self._acceptable(start + n, _word(source, at + 2 * n)):
                return ILLEGAL_VALUE
        for n in range(count):
            if not self._carry_out(start + n, _word(source, at + 2 * n)):
                return ILLEGAL_VALUE
        return 0

    def _writable(self, address: int) -> bool:
        return address != CT_RATIO_AT and (address != BENCH_GRID or self.box.synthetic)

    def _acceptable(self, address: int, raw: int) -> bool:
        if address == SOC:
            return raw <= 100
        if address == RESET_FAULTS or address == COMMIT:
            return raw == 1
        if address == BENCH_GRID:
            return raw < len(BENCH_NAMES)
        row = SPEC[address - SETTINGS_FIRST]
        return not check_row(row, _setting(row[0], raw))

    def _carry_out(self, address: int, raw: int) -> bool:
        box = self.box
        if address == SOC:
            box.set_soc(raw)
        elif address == RESET_FAULTS:
            box.reset_faults()
        elif address == COMMIT:
            return not box.commit()
        elif address == BENCH_GRID:
            box.play(raw)
        else:
            key = SPEC[address - SETTINGS_FIRST][0]
            return not box.staging.stage(key, _setting(key, raw))
        return True

    # -- keeping them new -----------------------------------------------------------------------------

    def renew(self) -> None:
        """Renew everything, at once."""
        self.renew_meters()
        self.renew_status()
        self._setting = 0
        self._finish()

    def renew_written(self) -> None:
        """Renew at once what a write can have changed."""
        self._status = min(self._status, _WRITTEN)
        if self._changes != self.box.staging.changes:
            self._setting = 0
        self._finish()

    def renew_meters(self) -> None:
        """A measuring window is done: renew its values from the next `step` on."""
        self._meter = 0

    def renew_status(self) -> None:
        """Renew what tells of the box's state, and what was told or staged, from the next `step` on.

        What is being renewed goes on: it would never come to its end where there is little time.
        """
        if self._status >= len(STATUS):
            self._status = 0
        if self._changes != self.box.staging.changes:
            self._setting = 0

    def _finish(self) -> None:
        while self.step():
            pass

    def step(self) -> bool:
        """Renew one row; False when there is none left to be renewed."""
        return self.step_meters() or self.step_status()

    def step_meters(self) -> bool:
        """Renew one row of what is measured; False when there is none."""
        if self._meter >= len(METERS):
            return False
        self._renew_meter()
        return True

    def step_status(self) -> bool:
        """Renew one of the other rows; False when there is none."""
        if self._status < len(STATUS):
            self._renew_status()
        elif self._setting < len(SPEC):
            self._renew_setting()
        else:
            return False
        return True

    def _renew_meter(self) -> None:
        row = METERS[self._meter]
        put_row(row, self._values(row), self._coming, self._places[self._meter])
        self._meter += 1
        if self._meter == len(METERS):
            at = self._meters_place
            content = self.inputs.content
            copy_bytes(self._coming, at, content, at, len(content) - at)

    def _renew_status(self) -> None:
        row = STATUS[self._status]
        put_row(row, self._values(row), self.inputs.content, self._places[len(METERS) + self._status])
        self._status += 1
        if self._status == len(STATUS):
            soc = self.box.battery.soc
            self._put_holding(SOC, SOC_NEVER_TOLD if soc < 0 else soc)
            self._put_holding(BENCH_GRID, self.box.bench_grid)

    def _renew_setting(self) -> None:
        if self._setting == 0:
            self._changes = self.box.staging.changes
        key = SPEC[self._setting][0]
        value = self.box.staging.get(key)
        self._put_holding(SETTINGS_FIRST + self._setting, value // BAUD_STEP if key == "baud_rate" else value)
        self._setting += 1

    def _values(self, row: tuple):
        """Return what a row shows, as something with an index."""
        box = self.box
        whose = row[4]
        if whose >= _PV_READINGS and not box.settings["pv_meter_enable"]:
            return _ZEROS
        if whose == _READINGS or whose == _PV_READINGS:
            box = box.readings
        elif whose != _BOX:
            box = box.energy
        values = getattr(box, row[5])
        if row[1] > 1:
            return values
        self._one[0] = values
        return self._one

    def _put_holding(self, address: int, value: int) -> None:
        self._one[0] = value
        put_row(_WORD, self._one, self.holdings.content, self.holdings.place(address, 1))

    def _write_identity(self) -> None:
        """Fill in what never changes while the box runs."""
        box = self.box
        inputs = self.inputs
        content = inputs.content
        version = FIRMWARE_VERSION + BENCH_MARK if box.synthetic else FIRMWARE_VERSION
        for address, text in ((MODEL, METER_MODEL), (VERSION, version)):
            copy_bytes(text, 0, content, inputs.place(address, 1), len(text))
        for address, value in ((BENCH, box.synthetic), (DIP_SWITCHES, box.dip)):
            put_row(_WORD, (value,), content, inputs.place(address, 1))
        self._put_holding(CT_RATIO_AT, CT_RATIO)


def _word(source, at: int) -> int:
    return (source[at] << 8) | source[at + 1]


def _setting(key: str, raw: int) -> int:
    return raw * BAUD_STEP if key == "baud_rate" else raw

"""The box's registers: where each value stands, its type and scale, and what a master may write.

Input registers 0 to 399 are what the box measures and decides, holding registers from 1000 what a master
may write (and `ct_ratio`, which it may only read). What they are called and mean, for people and tools, is in
tools/register_list.py; docs/registers.md is generated from there.
"""

from array import array

import micropython
from micropython import const

from firmware.publish.access import KEYS
from firmware.publish.register_map import (
    BUSY,
    FAILURE,
    ILLEGAL_ADDRESS,
    ILLEGAL_VALUE,
    INPUT,
    Image,
    copy_bytes,
)
from firmware.publish.service import BENCH_MARK, FIRMWARE_VERSION, METER_MODEL
from firmware.publish.words import I16, I32, U16, U32, put_row
from firmware.signals import BENCH_NAMES
from firmware.store.settings import SPEC, check_row

CT_RATIO = const(1)
SOC_NEVER_TOLD = const(0xFFFF)
BAUD_STEP = const(100)  # 115200 does not fit 16 bits

INPUT_BLOCKS = ((0, 19), (40, 79), (100, 249), (300, 305))
HOLDING_BLOCKS = ((1000, 1009), (1010, 1099))

MODEL = const(0)
VERSION = const(8)
BENCH = const(16)
DIP_SWITCHES = const(47)

SOC = const(1000)
RESET_FAULTS = const(1001)
CT_RATIO_AT = const(1002)
BENCH_GRID = const(1003)
UNLOCK = const(1004)
CLEAR_ENERGY = const(1005)
TEST_TRANSFER = const(1006)
CLOCK = const(1008)  # two words
SETTINGS_FIRST = const(1010)
SETTINGS_END = SETTINGS_FIRST + len(SPEC)
COMMIT = const(1099)  # what lies before it, behind the settings, is for more of them

# High word of the clock, in seconds since 1970: from January 2020 to December 2099.
EARLIEST = const(0x5E0C)
LATEST = const(0xF485)
# Of a test of the transfer, in seconds.
TEST_LEAST_S = const(10)
TEST_MOST_S = const(600)

# Whose attribute a row shows.
_BOX = const(0)
_READINGS = const(1)
_ENERGY = const(2)
_PV_READINGS = const(3)  # zeros while the PV meter is not served
_PV_ENERGY = const(4)
_ZEROS = (0, 0, 0, 0)
_WORD = (0, 1, U16, 1)  # a row of a single plain word
_LONG = (0, 1, U32, 1)  # and of two

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
    (60, 1, U16, 1, _BOX, "request_age_s"),
    # What a write changes at once.
    (49, 1, U16, 1, _BOX, "soc_age_s"),
    (50, 1, U32, 1, _BOX, "faults"),
    (56, 1, U16, 1, _BOX, "settings_pending"),
)
_WRITTEN = const(13)  # the first of these
_COMMAND = len(STATUS)  # behind them as rows of their own: the first of five commands
_SHOWN = len(STATUS) + 5
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
        self._written = _SHOWN  # row of STATUS or command; those from it on may have been changed by a write
        self._settings_place = self.holdings.place(SETTINGS_FIRST, 1)
        # Bounds of the settings as they go over the line: some have more rules than that.
        self._steps = steps = bytes([BAUD_STEP if row[0] == "baud_rate" else 1 for row in SPEC])
        self._bounds = array("H", [])
        for row, step in zip(SPEC, steps):
            self._bounds.extend(array("H", (row[2] // step, row[3] // step)))
        self._plain_from = 0  # the first one behind the last that has more
        for item, row in enumerate(SPEC):
            if row[0] == "baud_rate" or row[0].startswith("soc_min"):
                self._plain_from = item + 1
        self._write_identity()
        self.renew()

    # -- as the master sees them ----------------------------------------------------------------------

    def read(self, table: int, start: int, count: int, into, at: int) -> int:
        """Fill into[at:] with `count` registers of INPUT or HOLDING; return 0 or an exception code."""
        if self._written < _SHOWN and (start < _METERS_FIRST if table == INPUT else start < SETTINGS_FIRST):
            row = _WRITTEN if table == INPUT else _COMMAND
            end = _COMMAND if table == INPUT else _SHOWN
            while row < end:
                self._renew_row(row)
                row += 1
        image = self.inputs
        if table != INPUT:
            image = self.holdings
            if self._changes != self.box.staging.changes:  # by a write to another unit address
                self._begin_settings()
            if self._setting < len(SPEC):  # what is asked for shall not be older than the last write
                first = max(self._setting, start - SETTINGS_FIRST)
                for item in range(first, min(len(SPEC), start + count - SETTINGS_FIRST)):
                    self._renew_setting(item)
        place = image.place(start, count)
        if place < 0:
            return ILLEGAL_ADDRESS
        copy_bytes(image.content, place, into, at, 2 * count)
        return 0

    def write(self, start: int, count: int, source, at: int) -> int:
        """Write `count` holding registers, all or none, from source[at:]; return 0 or an exception code.

        The whole request is judged, first its addresses, then its values, then whether it can be now, before
        any of it takes effect. Effects come in the order of the addresses; but a key first, because only that
        it is the right one shows when it is taken. Refused only then, and with it what came before: the
        commit, the last register, which drops all that was staged.
        """
        box = self.box
        item = start - SETTINGS_FIRST
        end = start + count
        if item >= 0 and end <= SETTINGS_END:  # what needs a short answer: nothing but settings
            settings = count
            if box.settings["write_lock"] and box.locked:
                return ILLEGAL_ADDRESS
            if not self._acceptable_settings(item, count, source, at):
                return ILLEGAL_VALUE
        else:
            settings = 0
            error = self._refusal(start, end, source, at)
            if error:
                return error
            if start <= UNLOCK < end:
                key = _word(source, at + 2 * (UNLOCK - start))
                if not box.access.key(key, box.uptime_s):
                    return ILLEGAL_VALUE
        self._written = _WRITTEN  # renewed before it is read, or when there is time
        while start < end:
            settings = settings or _settings(start, end)
            if settings:
                # Only staged: the registers show the words as they came.
                staging = box.staging
                up_to_date = self._changes == staging.changes
                item = start - SETTINGS_FIRST
                _stage(staging.staged, self._steps, item, settings, source, at)
                staging.changed()
                if up_to_date:
                    self._changes = staging.changes
                shown = self._settings_place + 2 * item
                copy_bytes(source, at, self.holdings.content, shown, 2 * settings)
                start += settings
                at += 2 * settings
                settings = 0
            else:
                error = self._carry_out(start, _word(source, at), source, at)
                if error:
                    return error
                start += 1
                at += 2
        return 0

    def _refusal(self, start: int, end: int, source, at: int) -> int:
        """Judge a write as a whole; return 0 or an exception code."""
        if self.holdings.place(start, end - start) < 0 or start == CLOCK + 1 or end == CLOCK + 1:
            return ILLEGAL_ADDRESS  # the clock is taken by both words at once
        box = self.box
        open_s = box.access.open_s(box.uptime_s)
        locked = box.settings["write_lock"] and not open_s
        bad = False
        address = start
        while address < end:
            settings = _settings(address, end)
            if settings:
                if locked:
                    return ILLEGAL_ADDRESS
                bad = not self._acceptable_settings(address - SETTINGS_FIRST, settings, source, at) or bad
                address += settings
                at += 2 * settings
            else:
                if not self._writable(address, open_s):
                    return ILLEGAL_ADDRESS
                bad = not self._acceptable(address, _word(source, at)) or bad
                address += 1
                at += 2
        if bad:
            return ILLEGAL_VALUE
        wears = end > COMMIT or start <= CLEAR_ENERGY < end
        if wears and not box.access.may_wear(box.uptime_s):
            return BUSY
        return FAILURE if start <= TEST_TRANSFER < end and not box.test_transfer(0) else 0

    def _acceptable_settings(self, item: int, count: int, source, at: int) -> bool:
        """Return whether words can be the settings from SPEC[item] on."""
        if not _within(source, at, self._bounds, item, count):
            return False
        while count and item < self._plain_from:
            if check_row(SPEC[item], _word(source, at) * self._steps[item]):
                return False
            item += 1
            count -= 1
            at += 2
        return True

    def _writable(self, address: int, open_s: int) -> bool:
        """Return whether an address, no setting, may be written; `open_s`: commands are open for so long."""
        if address == SOC or address == UNLOCK:
            return True
        if address == CT_RATIO_AT or address == BENCH_GRID and not self.box.synthetic:
            return False
        command = address == RESET_FAULTS or address == CLEAR_ENERGY or address == TEST_TRANSFER
        return open_s > 0 or not command and not self.box.settings["write_lock"]

    def _acceptable(self, address: int, raw: int) -> bool:
        if address == SOC:
            return raw <= 100
        if address == RESET_FAULTS or address == COMMIT or address == CLEAR_ENERGY:
            return raw == 1
        if address == BENCH_GRID:
            return raw < len(BENCH_NAMES)
        if address == UNLOCK:
            return raw in KEYS
        if address == TEST_TRANSFER:
            return TEST_LEAST_S <= raw <= TEST_MOST_S
        if address == CLOCK:
            return EARLIEST <= raw <= LATEST
        return address == CLOCK + 1 or raw == 0  # the rest is kept for later

    def _carry_out(self, address: int, raw: int, source, at: int) -> int:
        """Do what a word, no setting, asks for; return 0 or an exception code."""
        box = self.box
        if address == SOC:
            box.set_soc(raw)
        elif address == RESET_FAULTS:
            box.reset_faults()
        elif address == COMMIT:
            return ILLEGAL_VALUE if box.commit() else 0
        elif address == BENCH_GRID:
            box.play(raw)
        elif address == CLEAR_ENERGY:
            box.clear_energy()
        elif address == TEST_TRANSFER:
            box.test_transfer(raw)
        elif address == CLOCK:
            box.set_clock(raw << 16 | _word(source, at + 2))
        return 0

    # -- keeping them new -----------------------------------------------------------------------------

    def renew(self) -> None:
        """Renew everything, at once."""
        self.renew_meters()
        self._status = 0
        self._begin_settings()
        self._finish()

    def _begin_settings(self) -> None:
        self._changes = self.box.staging.changes
        self._setting = 0

    def renew_meters(self) -> None:
        """A measuring window is done: renew its values from the next `step` on."""
        self._meter = 0

    def renew_status(self) -> None:
        """Renew what tells of the box's state, and what was told or staged, from the next `step` on.

        What is being renewed goes on: it would never come to its end where there is little time.
        """
        if self._status >= _SHOWN:
            self._status = 0
        if self._changes != self.box.staging.changes:
            self._begin_settings()

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
        if self._written < _SHOWN:
            self._renew_row(self._written)
            self._written += 1
        elif self._status < _SHOWN:
            self._renew_row(self._status)
            self._status += 1
        elif self._setting < len(SPEC):
            self._renew_setting(self._setting)
            self._setting += 1
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

    def _renew_row(self, n: int) -> None:
        """Renew row `n` of STATUS, or a command."""
        if n >= _COMMAND:
            self._put_command(n - _COMMAND)
            return
        row = STATUS[n]
        put_row(row, self._values(row), self.inputs.content, self._places[len(METERS) + n])

    def _put_command(self, n: int) -> None:
        box = self.box
        if n == 0:
            soc = box.battery.soc
            self._put_holding(SOC, SOC_NEVER_TOLD if soc < 0 else soc)
        elif n == 1:
            self._put_holding(BENCH_GRID, box.bench_grid)
        elif n == 2:
            self._put_holding(UNLOCK, box.access.open_s(box.uptime_s))
        elif n == 3:
            self._put_holding(TEST_TRANSFER, box.test_s)
        else:
            self._one[0] = box.clock_s
            put_row(_LONG, self._one, self.holdings.content, self.holdings.place(CLOCK, 2))

    def _renew_setting(self, item: int) -> None:
        self._one[0] = self.box.staging.get(SPEC[item][0]) // self._steps[item]
        put_row(_WORD, self._one, self.holdings.content, self._settings_place + 2 * item)

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


def _settings(address: int, end: int) -> int:
    """Return how many of the words in `[address, end)` are settings that follow here without another."""
    return min(end, SETTINGS_END) - address if SETTINGS_FIRST <= address < SETTINGS_END else 0


@micropython.viper
def _within(words: ptr8, at: int, bounds: ptr16, first: int, count: int) -> int:  # type: ignore[name-defined]
    """Return 1 if each of `count` words lies within its bounds, those from pair `first` on, else 0."""
    first *= 2
    while count:
        word = words[at] << 8 | words[at + 1]
        if word < bounds[first] or word > bounds[first + 1]:
            return 0
        first += 2
        at += 2
        count -= 1
    return 1


@micropython.viper
def _stage(staged, steps: ptr8, item: int, count: int, words: ptr8, at: int):  # type: ignore[name-defined]
    """Put `count` words that have been judged among the staged settings, from SPEC[item] on."""
    spec = SPEC
    while count:
        staged[spec[item][0]] = (words[at] << 8 | words[at + 1]) * steps[item]
        item += 1
        at += 2
        count -= 1

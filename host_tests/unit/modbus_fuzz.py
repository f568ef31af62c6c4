"""Random and mutated frames for the slave, and a second opinion on what each of them deserves. Portable.

    micropython host_tests/unit/modbus_fuzz.py FRAMES SEED

`Fuzz` makes frames, hands them to a slave that serves the native table, two SDM630 and two SunSpec meters,
and judges each: whether it may be answered, with what, and what it may have written. The judge is written
from the specification and docs/registers.md, with its own CRC; of the firmware it knows the settings'
bounds and their rules (firmware/store), and what words stand ready.
"""

import random
import struct
from array import array

from firmware.publish.modbus import ModbusSlave
from firmware.publish.registers import Registers
from firmware.publish.service import Service
from firmware.store.settings import SPEC, check, check_row, defaults
from host_tests.unit.fake_box import FakeBox

SOC, RESET, CT_RATIO, BENCH, UNLOCK, CLEAR, TEST, CLOCK = 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1008
FIRST, COMMIT = 1010, 1099
BEHIND = FIRST + len(SPEC)
NATIVE_INPUT = ((0, 19), (40, 79), (100, 249), (300, 305))
NATIVE_HOLDING = ((1000, 1009), (1010, 1099))
SDM_INPUT = ((0, 0x17D),)
SDM_HOLDING = ((0, 0x25),)
SUNSPEC = ((40000, 40197),)
SDM_BAUDS = (2400, 4800, 9600, 19200, 38400, 1200, 57600, 115200)
UNITS = ("unit_address", "sdm_grid_address", "sdm_pv_address", "sunspec_grid_address", "sunspec_pv_address")
FUNCTIONS = (3, 4, 6, 16, 22, 23, 8, 17, 43)
ASKED = FUNCTIONS + (3, 6, 16, 16, 22, 23)  # those that write more often than those that do not
PLACES = (0, 18, 40, 79, 100, 126, 249, 300, 305, SOC, SOC, RESET, CT_RATIO, BENCH, UNLOCK, CLEAR, TEST, 1007)
PLACES += (CLOCK, CLOCK + 1, FIRST, FIRST + 8, BEHIND - 7, BEHIND - 4, BEHIND, 1098, COMMIT, COMMIT, 1100)
PLACES += (0x0A, 0x12, 0x12, 0x14, 0x1C, 0x1C, 0x25, 0x17D, 40000, 40070, 40197, 40198, 0xFFFF)
WORDS = (0, 0, 1, 1, 2, 50, 60, 96, 100, 101, 1152, 0x5E0C, 0x6923, 0xF485, 0xF486, 0x55AA, 0xAA55)
WORDS += (0x3F80, 0x4000, 0x40E0, 0x4120, 0x7FC0, 0x8000, 0xFFFF)
COUNTS = (0, 1, 1, 1, 2, 2, 2, 3, 4, 10, 20, 90, 121, 122, 123, 124, 125, 126, 0x100, 0xFFFF)
SUBS = (0, 0, 1, 1, 2, 3, 4, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13, 0x14, 0x100, 0xFFFF)
SETTLE = 2000  # frames: then the settings are again as at first


def _bits(value):
    for _ in range(8):
        value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return value


_CRC = array("H", [_bits(value) for value in range(256)])


def crc(frame):
    """CRC-16/Modbus as the specification's appendix has it, a byte at a time."""
    value = 0xFFFF
    table = _CRC
    for byte in frame:
        value = (value >> 8) ^ table[(value ^ byte) & 0xFF]
    return value


def sealed(body):
    value = crc(body)
    return bytes(body) + bytes((value & 0xFF, value >> 8))


def word(frame, at):
    return frame[at] << 8 | frame[at + 1]


class DirectPort:
    """Frames in, frames out, without time. Strict about buffers and baud rates."""

    def __init__(self):
        self.heard = []
        self.sent = None
        self.overruns = 0
        self.framing_errors = 0
        self.parity_errors = 0
        self.configured = 0

    def receive(self, buf, _now_us):
        if not self.heard:
            return 0
        frame = self.heard.pop(0)
        n = len(frame)
        if n > 256:
            buf[:] = frame[:256]
        else:
            buf[:n] = frame
        assert len(buf) == 256
        return n

    def write(self, buf, n):
        assert self.sent is None, "two replies"
        assert 4 < n <= 256 and len(buf) == 256
        self.sent = bytes(buf[:n])

    def sending(self, _now_us):
        return False

    def configure(self, baud, line_format=0):
        assert baud in SDM_BAUDS and 0 <= line_format <= 3
        self.configured += 1


class WornBox(FakeBox):
    """A fake box whose flash wears as the real one's."""

    def commit(self):
        before = self.settings
        refusal = FakeBox.commit(self)
        self._wear(refusal, before)
        return refusal

    def change(self, values):
        before = self.settings
        refusal = FakeBox.change(self, values)
        self._wear(refusal, before)
        return refusal

    def _wear(self, refusal, before):
        if not refusal and self.settings != before:
            self.access.worn()

    def clear_energy(self):
        FakeBox.clear_energy(self)
        self.access.worn()


class Fuzz:
    """`run` so many frames from `seed`; whatever is not as it should be is an AssertionError."""

    def __init__(self, seed):
        random.seed(seed)
        self._bits = random.getrandbits
        self.box = WornBox()
        self.port = DirectPort()
        self.service = Service(self.box.identity)
        self.registers = Registers(self.box)
        self.slave = ModbusSlave(self.port, self.registers, 1, 9600, 0, self.service)
        self.box.slave = self.slave
        self.frames = 0
        self.answered = 0
        self.refused = 0
        self.wrote = 0
        self.executed = dict.fromkeys(FUNCTIONS, 0)  # answered without an exception
        self._keys = 0  # the keys that have been entered, and until when commands are open: the judge's own
        self._open_until = 0
        self._coming = []  # frames that are to come next, as a master would send them
        self.settle()

    # -- running --------------------------------------------------------------------------------------

    def run(self, frames):
        end = self.frames + frames
        while self.frames < end:
            self.exchange(self.next_frame())
            if self.frames % SETTLE == 0:
                self.settle()
            self._turn()

    def settle(self):
        """Put everything back to where it was at first, past the line."""
        box = self.box
        values = defaults()
        for address, key in enumerate(UNITS):
            values[key] = address + 1
        assert box.change(values) == ""
        box.staging.staged.clear()
        box.battery.soc = -1
        box.access.__init__()
        box.access._refilled_s = box.uptime_s
        box.test_s = 0
        self._keys = self._open_until = 0
        self.service.listens = False
        self._running = box.settings
        self.slave.step(0)
        self.registers.renew()

    def _turn(self):
        """What the loop does between two frames: time goes by, values are renewed."""
        chance = self._bits(8)
        if chance < 16:
            self.box.uptime_s += chance * 4
            self.registers.renew_status()
            self.box.state = 1 if chance else 3
        elif chance < 48:
            self.registers.step()
        elif chance < 64:
            while self.registers.step():  # a master that leaves it time
                pass
        elif chance == 64:
            self.registers.renew_meters()
            self.box.profiles.renew()
        elif chance < 72:
            self.box.profiles.step()

    def exchange(self, frame):
        """Send one frame, alone or behind another that comes too late, and judge what comes of it."""
        self.frames += 1
        port = self.port
        if self._bits(6) == 0 and frame:
            late = self._request()
            if late[0]:  # a broadcast would be executed
                port.heard.append(late)
        self._running = self.box.settings
        before = self._owned()
        wanted = self._judge(frame)
        if frame:
            port.heard.append(frame)
        port.sent = None
        started = self.slave.step(self.frames)
        reply = port.sent
        assert started == (reply is not None)
        assert (reply is None) == (wanted is None), (frame, reply, wanted)
        if reply is not None:
            self.answered += 1
            self._check_reply(frame, reply, wanted)
        if self._after is None:
            assert self._owned() == before, frame
        else:
            self.wrote += 1
            self._after(frame)

    def _owned(self):
        """Return what tells that something was written, cheaply."""
        box = self.box
        return (
            box.battery.soc,
            box.staging.changes,
            box.settings is self._running,
            len(box.staging.staged),
            box.resets,
            box.cleared,
            box.commits,
            box.test_s,
            box.clock_s,
            box.bench_grid,
            box.access._entered,
            box.access._open_until_s,
            self.service.listens,
        )

    # -- the judge ------------------------------------------------------------------------------------

    _running: dict = {}
    _after = None  # what checks an effect that is allowed; without one nothing may have changed
    _effect: tuple = ()
    _expected = b""

    def _judge(self, frame):
        """Return None where there must be no reply, else the exception code that it must have, or 0."""
        self._after = None
        n = len(frame)
        if not 4 <= n <= 256 or crc(frame) != 0:
            return None
        unit = self._unit(frame[0])
        function = frame[1]
        if unit is None or function > 0x7F or not self._whole(frame, function, n):
            return None
        broadcast = frame[0] == 0
        if broadcast and function != 6 and function != 16 and function != 22:
            return None
        if self.service.listens:
            if function == 8 and n == 8 and frame[2:4] == b"\0\1" and frame[4:6] in (b"\0\0", b"\xff\0"):
                self._after = self._has_restarted
            return None
        code = self._code(frame, unit, function, n)
        return None if broadcast or code < 0 else code

    def _unit(self, address):
        """Return which kind of unit has this address: its setting's name, None for nobody."""
        if address == 0:
            return "unit_address"
        for key in UNITS:
            if self._running[key] == address:
                return key
        return None

    def _whole(self, frame, function, n):
        """SL 2.5.1 and AP 6: whether a request of this function can be so long."""
        if function in (3, 4, 6):
            return n == 8
        if function == 22:
            return n == 10
        if function == 17:
            return n == 4
        if function == 43:
            return n > 4
        if function == 8:
            return n > 5 and n % 2 == 0
        if function == 16 or function == 23:
            at = 4 if function == 16 else 8
            if n < at + 5:
                return False
            return n == at + 5 + frame[at + 2] or frame[at + 2] != 2 * word(frame, at)
        return True

    def _code(self, frame, unit, function, n):
        """Return the exception code, 0 for none, -1 for a request that is executed without a reply."""
        if function in (3, 4):
            count = word(frame, 4)
            if not 1 <= count <= 125:
                return 3
            return 0 if self._there(unit, function, word(frame, 2), count) else 2
        if function == 6:
            return self._write(unit, word(frame, 2), [word(frame, 4)])
        if function == 16:
            count = word(frame, 4)
            if not 1 <= count <= 123 or frame[6] != 2 * count:
                return 3
            return self._write(unit, word(frame, 2), [word(frame, 7 + 2 * k) for k in range(count)])
        if function == 22:
            at = word(frame, 2)
            if not self._there(unit, 3, at, 1):
                return 2
            keep = word(frame, 4)
            return self._write(unit, at, [self._present(unit, at) & keep | word(frame, 6) & (keep ^ 0xFFFF)])
        if function == 23:
            count, written = word(frame, 4), word(frame, 8)
            if not (1 <= count <= 125 and 1 <= written <= 121 and frame[10] == 2 * written):
                return 3
            if not self._there(unit, 3, word(frame, 2), count):
                return 2
            return self._write(unit, word(frame, 6), [word(frame, 11 + 2 * k) for k in range(written)])
        if function == 8:
            return self._diagnose(frame, n)
        if function == 17:
            return 0
        if function == 43:
            return self._identify(frame, n)
        return 1

    def _there(self, unit, function, start, count):
        blocks = self._blocks(unit, function)
        return any(first <= start and start + count <= last + 1 for first, last in blocks)

    def _blocks(self, unit, function):
        if unit == "unit_address":
            return NATIVE_INPUT if function == 4 else NATIVE_HOLDING
        if unit.startswith("sdm"):
            return SDM_INPUT if function == 4 else SDM_HOLDING
        return () if function == 4 else SUNSPEC

    def _present(self, unit, at):
        """Return a holding register's word before the request."""
        if unit != "unit_address":
            return 0  # none of these can be written one by one
        if at == UNLOCK or at == TEST:  # as old as what is shown
            into = bytearray(2)
            assert self.registers.read(1, at, 1, into, 0) == 0
            return word(into, 0)
        return self._native_word(at)

    def _native_word(self, at):
        """Return what a native holding register must show, of those that do not change with time."""
        box = self.box
        if FIRST <= at < BEHIND:
            row = SPEC[at - FIRST]
            return box.staging.staged.get(row[0], box.settings[row[0]]) // self._step(row)
        if at == SOC:
            return box.battery.soc if box.battery.soc >= 0 else 0xFFFF
        if at == CT_RATIO:
            return 1
        if at == CLOCK:
            return box.clock_s >> 16
        return box.clock_s & 0xFFFF if at == CLOCK + 1 else 0

    def _step(self, row):
        return 100 if row[0] == "baud_rate" else 1

    def _diagnose(self, frame, n):
        sub = word(frame, 2)
        if sub == 0:
            return 0
        if sub not in (1, 2, 4) and not 0x0A <= sub <= 0x12:
            return 1
        if n != 8 or frame[5] or frame[4] not in ((0, 0xFF) if sub == 1 else (0,)):
            return 3
        if sub == 4:
            self._after = self._does_listen
            return -1
        return 0

    def _identify(self, frame, n):
        if frame[2] != 0x0E:
            return 1
        if n != 7 or not 1 <= frame[3] <= 4:
            return 3
        return 2 if frame[3] == 4 and frame[4] > 6 else 0

    # -- the judge of writes --------------------------------------------------------------------------

    def _write(self, unit, start, words):
        if unit == "unit_address":
            return self._write_native(start, words)
        if unit.startswith("sdm"):
            return self._write_sdm(unit, start, words)
        return 2

    def _is_open(self):
        return self.box.uptime_s < self._open_until

    def _write_native(self, start, words):
        box = self.box
        end = start + len(words)
        if not self._there("unit_address", 3, start, len(words)) or start == CLOCK + 1 or end == CLOCK + 1:
            return 2
        is_open = self._is_open()
        free = is_open or not self._running["write_lock"]
        bad = wears = False
        for at, value in enumerate(words, start):
            if at in (CT_RATIO, BENCH):
                return 2
            if at in (RESET, CLEAR, TEST):
                if not is_open:
                    return 2
            elif at not in (SOC, UNLOCK) and not free:
                return 2
            if not self._acceptable(at, value):
                bad = True
            wears = wears or at in (CLEAR, COMMIT)
        if bad:
            return 3
        if wears and not box.access.may_wear(box.uptime_s):
            return 6
        if start <= TEST < end and box.state != 1:
            return 4
        if start <= UNLOCK < end and self._enter(words[UNLOCK - start]):
            self._effect = self._possessions()  # but for the keys nothing has changed
            self._after = self._has_written
            return 3
        return self._foresee(start, words)

    def _acceptable(self, at, value):
        if FIRST <= at < BEHIND:
            row = SPEC[at - FIRST]
            return check_row(row, value * self._step(row)) == ""
        if at == SOC:
            return value <= 100
        if at in (RESET, CLEAR, COMMIT):
            return value == 1
        if at == UNLOCK:
            return value in (0x55AA, 0xAA55)
        if at == TEST:
            return 10 <= value <= 600
        if at == CLOCK:
            return 0x5E0C <= value <= 0xF485  # the years 2020 to 2099
        return at == CLOCK + 1 or value == 0

    def _foresee(self, start, words):
        """Note what the write will have changed; return the exception code that only its effects bring."""
        box = self.box
        soc, resets, cleared = box.battery.soc, box.resets, box.cleared
        commits, test_s, clock_s = box.commits, box.test_s, box.clock_s
        staged = dict(box.staging.staged)
        running = box.settings
        code = 0
        for at, value in enumerate(words, start):
            if FIRST <= at < BEHIND:
                row = SPEC[at - FIRST]
                staged[row[0]] = value * self._step(row)
            elif at == SOC:
                soc = value
            elif at == RESET:
                resets += 1
            elif at == CLEAR:
                cleared += 1
            elif at == CLOCK:
                clock_s = value << 16 | words[at + 1 - start]
            elif at == TEST:
                test_s = value
            elif at == COMMIT:
                commits += 1
                whole = dict(running)
                whole.update(staged)
                staged = {}
                if check(whole, box.staging.rules):
                    code = 3
                else:
                    running = whole
            if code:
                break
        self._effect = soc, resets, cleared, commits, test_s, clock_s, staged, running
        self._after = self._has_written
        return code

    def _enter(self, key):
        """The keys in their order open the commands for a minute, anything else closes them."""
        if key != (0x55AA, 0xAA55)[self._keys]:
            self._keys = self._open_until = 0
            return 3
        self._keys += 1
        if self._keys == 2:
            self._keys = 0
            self._open_until = self.box.uptime_s + 60
        return 0

    def _write_sdm(self, unit, start, words):
        if start % 2 or len(words) % 2 or (self._running["write_lock"] and not self._is_open()):
            return 2
        for at in range(start, start + len(words), 2):
            if at not in (0x12, 0x14, 0x1C):
                return 2
        changes = {}
        for k in range(0, len(words), 2):
            value = struct.unpack(">f", struct.pack(">HH", words[k], words[k + 1]))[0]
            at = start + k
            if value != value or not 0 <= value < 248 or int(value) != value:
                return 3
            value = int(value)
            if at == 0x12:
                changes["line_format"] = value
                bad = value > 3
            elif at == 0x14:
                changes[unit] = value
                bad = value == 0
            else:
                bad = value > 7
                changes["baud_rate"] = SDM_BAUDS[value & 7]
            if bad and at != 0x12:  # its range is the settings' own, and judged after the wear
                return 3
        if not self.box.access.may_wear(self.box.uptime_s):
            return 6
        box = self.box
        whole = dict(box.settings)
        whole.update(changes)
        code = 3 if check(whole, box.staging.rules) else 0
        running = box.settings if code else whole
        self._effect = self._possessions()[:-1] + (running,)
        self._after = self._has_written
        return code

    # -- what has become of it ------------------------------------------------------------------------

    def _possessions(self):
        """Return what a write can change, but for the keys."""
        box = self.box
        return (box.battery.soc, box.resets, box.cleared, box.commits, box.test_s, box.clock_s) + (
            dict(box.staging.staged),
            box.settings,
        )

    def _has_written(self, frame):
        box = self.box
        found = self._possessions()
        assert found == self._effect, (frame, found, self._effect)
        assert box.access.open_s(box.uptime_s) == max(0, self._open_until - box.uptime_s), frame
        assert box.access._entered == self._keys, frame
        assert not self.service.listens and box.bench_grid == 0
        assert self.slave.unit_address == box.settings["unit_address"]

    def _does_listen(self, _frame):
        assert self.service.listens

    def _has_restarted(self, _frame):
        assert not self.service.listens

    def _check_reply(self, frame, reply, code):
        function = frame[1]
        assert crc(reply) == 0 and reply[0] == frame[0], (frame, reply)
        if code:
            self.refused += 1
            assert len(reply) == 5 and reply[1] == function | 0x80 and reply[2] == code, (frame, reply, code)
            return
        assert reply[1] == function, (frame, reply)
        self.executed[function] += 1
        if function in (3, 4, 23):
            count = word(frame, 4)
            assert reply[2] == 2 * count and len(reply) == 5 + 2 * count, (frame, reply)
            self._check_words(frame, reply, word(frame, 2), count)
        elif function == 16:
            assert reply[:6] == frame[:6] and len(reply) == 8, (frame, reply)
        elif function == 8 and word(frame, 2) >= 0x0B:
            assert len(reply) == 8 and reply[2:4] == frame[2:4], (frame, reply)
        elif function == 17:
            assert reply[2] == len(reply) - 5 and reply[-3] == 0xFF, (frame, reply)
        elif function == 43:
            self._check_identity(frame, reply)
        else:  # 06, 22, and what 08 echoes
            assert reply == frame, (frame, reply)

    def _check_words(self, frame, reply, start, count):
        """Compare what a read has shown with what must be there."""
        unit = self._unit_before(frame[0])
        if unit == "unit_address" and frame[1] != 4:
            for k in range(count):
                at = start + k
                if at != UNLOCK and at != TEST:
                    assert word(reply, 3 + 2 * k) == self._native_word(at), (frame, at, reply)
        elif unit.startswith("sdm") and frame[1] != 4:
            settings = self.box.settings
            shown = {
                0x0A: 3,
                0x12: settings["line_format"],
                0x14: settings[unit] if frame[1] == 3 else None,
                0x1C: SDM_BAUDS.index(settings["baud_rate"]),
            }
            for k in range(count):
                value = shown.get((start + k) & ~1, 0)
                if value is not None:
                    whole = struct.pack(">f", value)
                    half = 2 * ((start + k) & 1)
                    assert reply[3 + 2 * k : 5 + 2 * k] == whole[half : half + 2], (frame, start + k, reply)

    def _unit_before(self, address):
        for key in UNITS:
            if self._running[key] == address:
                return key
        raise AssertionError("an answer for nobody")

    def _check_identity(self, frame, reply):
        objects = self.box.identity
        code, first = frame[3], frame[4]
        last = 3 if code == 1 else 7
        if code == 4:
            last = first + 1
        elif first >= last:
            first = 0
        body = bytes((frame[0], 43, 14, code, 0x82, 0, 0, last - first))
        for number in range(first, last):
            body += bytes((number, len(objects[number]))) + objects[number]
        assert reply == sealed(body), (frame, reply)

    # -- making frames --------------------------------------------------------------------------------

    def _pick(self, choices):
        return choices[self._bits(16) % len(choices)]

    def _word(self):
        return self._bits(16) if self._bits(3) == 0 else self._pick(WORDS)

    def next_frame(self):
        if self._coming:
            return self._coming.pop(0)
        chance = self._bits(8)
        if chance < 132:
            return self._request()
        if chance < 150:
            self._coming = self._sequence()
            return self._coming.pop(0)
        if chance < 246:
            return self._mutated(self._request())
        if chance < 250:
            return self._request() + self._request()
        return self._noise()

    def _noise(self):
        n = self._bits(9) % 300 if self._bits(2) == 0 else self._bits(4)
        frame = bytes([self._bits(8) for _ in range(n)])
        return sealed(frame) if self._bits(1) else frame

    def _address(self):
        chance = self._bits(5)
        if chance < 12:
            return self.box.settings["unit_address"]
        if chance < 28:
            return self.box.settings[self._pick(UNITS)]
        return 0 if chance < 30 else self._bits(8)

    def _request(self):
        unit = self._address()
        if self.service.listens and self._bits(3) == 0:
            return sealed((unit, 8, 0, 1, 0, 0))
        function = self._bits(8) if self._bits(5) == 0 else self._pick(ASKED)
        at = self._pick(PLACES) if self._bits(2) else FIRST + self._bits(6)
        if self._bits(5) == 0:
            at = self._bits(16)
        elif self._bits(1):
            at = self._writable(unit, at)
        if function in (3, 4):
            return sealed(bytes((unit, function)) + self._range(unit, function, at))
        if function == 6:
            value = self._value(at)
            return sealed((unit, 6, at >> 8, at & 255, value >> 8, value & 255))
        if function == 22:
            keep, put = self._word(), self._value(at)
            if self._bits(1):
                keep = 0
            masks = (keep >> 8, keep & 255, put >> 8, put & 255)
            return sealed((unit, 22, at >> 8, at & 255) + masks)
        if function == 16:
            return sealed(bytes((unit, 16)) + self._writing(at))
        if function == 23:
            return sealed(bytes((unit, 23)) + self._range(unit, 23, at) + self._writing(at))
        if function == 8:
            sub, value = self._pick(SUBS), self._pick((0, 0, 0, 0, 0xFF00, 1))
            if sub == 4 and self._bits(2):
                sub = 0
            return sealed((unit, 8, sub >> 8, sub & 255, value >> 8, value & 255))
        if function == 43:
            return sealed((unit, 43, 14, self._bits(3), self._bits(3) if self._bits(2) else self._bits(8)))
        body = bytes([self._bits(8) for _ in range(self._bits(3))]) if function != 17 else b""
        return sealed(bytes((unit, function)) + body)

    def _writable(self, unit, at):
        """Return an address that this unit is likely to let be written."""
        kind = self._unit(unit)
        if kind == "unit_address":
            return self._pick((SOC, SOC, CLOCK, UNLOCK, FIRST + self._bits(16) % len(SPEC), COMMIT))
        return self._pick((0x12, 0x14, 0x1C)) if kind and kind.startswith("sdm") else at

    def _range(self, unit, function, at):
        """Return start and quantity of what to read, in most cases there."""
        count = self._pick(COUNTS)
        kind = self._unit(unit)
        blocks = self._blocks(kind, function) if kind and self._bits(2) else ()
        if blocks:
            first, last = self._pick(blocks)
            at = first + self._bits(16) % (last + 1 - first)
            count = 1 + self._bits(16) % min(last + 1 - at, 125 if self._bits(2) == 0 else 4)
        return bytes((at >> 8, at & 255, count >> 8, count & 255))

    def _value(self, at):
        """Return a word that the register at `at` is likely to take, or not."""
        chance = self._bits(3)
        if chance < 2:
            return self._word()
        if FIRST <= at < BEHIND:
            row = SPEC[at - FIRST]
            low, high = row[2] // self._step(row), row[3] // self._step(row)
            if chance == 2:
                return (high + 1 if self._bits(1) else low - 1) & 0xFFFF
            return low + self._bits(16) % (high + 1 - low)
        if at == UNLOCK:
            return self._pick((0x55AA, 0xAA55))
        if at == CLOCK:
            return 0x6000 + self._bits(12)
        if at == SOC or at == TEST:
            return self._bits(7)
        return self._bits(1)

    def _writing(self, at):
        """Return start, quantity, byte count and words."""
        chance = self._bits(5)
        count = self._pick(COUNTS) if chance < 3 else 1
        if at == CLOCK or FIRST <= at < BEHIND:
            count += self._bits(2) if at != CLOCK else 1
        if chance == 3:
            count = min(COMMIT + 1 - at, 121) if FIRST <= at <= COMMIT else 121
        if at in (0x12, 0x14, 0x1C) and self._bits(3):
            count = 2
            body = struct.pack(">f", self._bits(3) if self._bits(2) else self._pick((0.5, -1.0, 247, 248)))
        else:
            body = b""
            for k in range(min(count, 125)):
                value = self._value(at + k)
                body += bytes((value >> 8, value & 255))
        stated, bytes_stated = count & 0xFFFF, 2 * count & 255
        if chance > 28:
            stated = (count + self._bits(2) - 1) & 0xFFFF
        elif chance > 26:
            bytes_stated = (bytes_stated + self._bits(2) - 1) & 255
        return bytes((at >> 8 & 255, at & 255, stated >> 8, stated & 255, bytes_stated)) + body

    def _one(self, at, value):
        unit = self.box.settings["unit_address"]
        return sealed((unit, 6, at >> 8, at & 255, value >> 8, value & 255))

    def _sequence(self):
        """Return what a master does: unlock and command, settings and commit; now and then with an error."""
        chance = self._bits(3)
        unlock = [self._one(UNLOCK, 0x55AA), self._one(UNLOCK, 0xAA55)]
        if chance == 0:
            unlock.pop(self._bits(1))
        if chance == 1:
            unlock.insert(1, self._request())
        if chance < 5:
            command = self._pick(
                ((RESET, 1), (CLEAR, 1), (TEST, 60), (TEST, 5), (BEHIND - 6, 0), (COMMIT, 1))
            )
            return unlock + [self._one(*command)]
        frames = unlock if chance == 5 else []
        for _ in range(1 + self._bits(2)):
            at = FIRST + self._bits(16) % len(SPEC)
            frames.append(self._one(at, self._value(at)))
        return frames + [self._one(COMMIT, 1)]

    def _mutated(self, frame):
        """Turn bits, cut, lengthen, put bytes in; in half of the cases with a CRC that is right again."""
        reseal = self._bits(1)
        body = bytearray(frame[:-2] if reseal else frame)
        chance = self._bits(3)
        if chance < 4:
            for _ in range(1 + self._bits(1)):
                k = self._bits(12) % (8 * len(body))
                body[k // 8] ^= 1 << k % 8
        elif chance == 4:
            body = body[: self._bits(9) % (len(body) + 1)]
        elif chance == 5:
            body += bytes([self._bits(8) if self._bits(1) else 0 for _ in range(1 + self._bits(2))])
        elif chance == 6:
            k = self._bits(9) % len(body)
            body = body[:k] + bytes((self._bits(8),)) + body[k + self._bits(1) :]
        else:
            k = self._bits(9) % len(body)
            body = body[: k + 1] + body[k:]
        return sealed(body) if reseal else bytes(body)


def main(frames, seed):
    """Run on MicroPython, print what came of it and by how much what is kept has grown."""
    import gc

    fuzz = Fuzz(seed)
    kept = 0
    for part in range(5):
        fuzz.run(frames // 5)
        fuzz.settle()
        gc.collect()
        print("after", fuzz.frames, "frames", gc.mem_alloc(), "bytes,", fuzz.answered, "answers")
        if part == 0:  # by then everything has been asked for once
            kept = gc.mem_alloc()
    print("grown by", gc.mem_alloc() - kept, "answered", fuzz.answered)
    for function in FUNCTIONS:
        print("function", function, fuzz.executed[function])


if __name__ == "__main__":
    import sys

    main(int(sys.argv[1]), int(sys.argv[2]))

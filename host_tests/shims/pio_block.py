"""A PIO block that executes its programs, as the RP2040 datasheet describes it (chapter 3).

Strict where silicon would go on with nonsense: an instruction that was never loaded, a pin that floats,
a write to pins that were not given to the block. Inputs are seen without the delay of the synchroniser.
Not modelled: MOV from or to all pins at once, STATUS.
"""

ALL = 0xFFFFFFFF
# Registers, as offsets into the block.
CTRL, FSTAT, FDEBUG, FLEVEL, TXF, RXF = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x20
IRQ, IRQ_FORCE, ADDR = 0x30, 0x34, 0xD4
_MACHINE_SPACING = 0x18


class Setup:
    """How a state machine is configured: the registers of the same meaning, in plain numbers."""

    def __init__(self):
        self.wrap = (31, 0)  # from, to
        self.in_base = self.out_base = self.set_base = self.side_base = self.jmp_pin = None
        self.out_count = self.set_count = self.side_count = 0
        self.side_optional = self.side_directions = False
        self.in_right = self.out_right = False
        self.autopush = self.autopull = False
        self.push_at = self.pull_at = 32
        self.join = 0


class Machine:
    """One state machine. Times are in the units of `due`: 1/256 of a system clock."""

    def __init__(self, block, index):
        self.block = block
        self.index = index
        self.enabled = False
        self.divider = 256
        self.set_up(Setup(), 0)

    def set_up(self, setup, start):
        """Configure the machine and put it at the start of its program, stopped, with empty FIFOs."""
        self.setup = setup
        self.enabled = self.stalled = False
        self.due = 0
        self.tx, self.rx = [], []
        self.x = self.y = 0
        self.restart(start)

    def restart(self, start):
        self.pc = start
        self.isr = self.osr = self.isr_count = 0
        self.osr_count = 32
        self.stalled = self._raised = False

    def tx_room(self):
        return (4, 8, 0)[self.setup.join] - len(self.tx)

    def rx_room(self):
        return (4, 0, 8)[self.setup.join] - len(self.rx)

    def enable(self, on, now):
        if on and not self.enabled:
            self.due = now
        self.enabled = on

    def wake(self, now):
        """Try a stalled instruction again in the next cycle of this machine."""
        if self.stalled:
            self.stalled = False
            self.due += max(0, -((self.due - now) // self.divider)) * self.divider

    def step(self):
        """Execute what is due."""
        word = self.block.memory[self.pc]
        assert word is not None, "PIO%d runs into an empty word at %d" % (self.block.index, self.pc)
        wrap_from, wrap_to = self.setup.wrap
        self._next = wrap_to if self.pc == wrap_from else (self.pc + 1) & 31
        self.stalled = not self._whole(word)
        if not self.stalled:
            self.pc = self._next
            self.due += (1 + self._delay(word)) * self.divider

    def execute(self, word):
        """Execute one instruction that the processor hands over."""
        self._next = self.pc
        assert self._whole(word), "an instruction from outside would stall"
        self.pc = self._next

    def _side_bits(self):
        return self.setup.side_count + self.setup.side_optional

    def _delay(self, word):
        return word >> 8 & 31 >> self._side_bits()

    def _whole(self, word):
        """Execute a word with its side-set; return whether it is done."""
        setup = self.setup
        bits = self._side_bits()
        if bits and (not setup.side_optional or word & 0x1000):
            value = word >> 13 - bits & (1 << setup.side_count) - 1
            self._drive(setup.side_directions, setup.side_base, setup.side_count, value)
        operation = (
            self._jmp,
            self._wait,
            self._in,
            self._out,
            self._queue,
            self._mov,
            self._irq,
            self._set,
        )[word >> 13]
        return operation(word >> 5 & 7, word & 31)

    def _drive(self, directions, base, count, value):
        assert base is not None and count, "state machine %d has no such pins" % self.index
        for k in range(count):
            self.block.drive((base + k) & 31, directions, value >> k & 1)

    def _level(self, gpio):
        assert gpio is not None, "state machine %d has no such pin" % self.index
        return self.block.pins.level(gpio & 31)

    def _flag(self, index):
        return index & 4 | index + self.index & 3 if index & 16 else index & 7

    def _jmp(self, condition, to):
        if condition == 0:
            taken = True
        elif condition in (1, 3):
            taken = (self.x if condition == 1 else self.y) == 0
        elif condition == 2:
            taken = self.x != 0
            self.x = self.x - 1 & ALL
        elif condition == 4:
            taken = self.y != 0
            self.y = self.y - 1 & ALL
        elif condition == 5:
            taken = self.x != self.y
        elif condition == 6:
            taken = self._level(self.setup.jmp_pin) == 1
        else:
            taken = self.osr_count < self.setup.pull_at
        if taken:
            self._next = to
        return True

    def _wait(self, how, index):
        polarity, source = how >> 2, how & 3
        if source == 0:
            return self._level(index) == polarity
        if source == 1:
            assert self.setup.in_base is not None, "state machine %d has no in_base" % self.index
            return self._level(self.setup.in_base + index) == polarity
        flag = self._flag(index)
        if self.block.flags >> flag & 1 != polarity:
            return False
        if polarity:
            self.block.set_flags(self.block.flags & ~(1 << flag))
        return True

    def _in(self, source, bits):
        setup = self.setup
        bits = bits or 32
        full = setup.autopush and self.isr_count + bits >= setup.push_at
        if full and not self.rx_room():
            self.block.debug |= 1 << self.index
            return False
        if source == 0:
            value = 0
            for k in range(bits):
                value |= self._level(setup.in_base + k) << k
        else:
            value = (None, self.x, self.y, 0, None, None, self.isr, self.osr)[source] & (1 << bits) - 1
        if setup.in_right:
            self.isr = (self.isr >> bits | value << 32 - bits) & ALL
        else:
            self.isr = (self.isr << bits | value) & ALL
        self.isr_count = min(32, self.isr_count + bits)
        if full:
            self._push()
        return True

    def _push(self):
        self.rx.append(self.isr)
        self.isr = self.isr_count = 0
        self.block.moved()

    def _take(self):
        self.osr = self.tx.pop(0)
        self.osr_count = 0
        self.block.moved()

    def _out(self, to, bits):
        setup = self.setup
        bits = bits or 32
        if setup.autopull and self.osr_count >= setup.pull_at:
            if not self.tx:
                self.block.debug |= 1 << 24 + self.index
                return False
            self._take()
        if setup.out_right:
            value = self.osr & (1 << bits) - 1
            self.osr >>= bits
        else:
            value = self.osr >> 32 - bits
            self.osr = self.osr << bits & ALL
        self.osr_count = min(32, self.osr_count + bits)
        self._store(to, value, bits)
        return True

    def _store(self, to, value, bits):
        """Store to a destination of OUT."""
        setup = self.setup
        if to in (0, 4):
            self._drive(to == 4, setup.out_base, setup.out_count, value)
        elif to == 1:
            self.x = value
        elif to == 2:
            self.y = value
        elif to == 5:
            self._next = value & 31
        elif to == 6:
            self.isr, self.isr_count = value, bits
        else:
            assert to == 3, "OUT EXEC is not modelled"

    def _queue(self, how, index):
        pull, conditional, block = how & 4, how & 2, how & 1
        assert index == 0, "not an instruction of the RP2040"
        if pull:
            if conditional and self.osr_count < self.setup.pull_at:
                return True
            if self.tx:
                self._take()
            elif block:
                self.block.debug |= 1 << 24 + self.index
                return False
            else:
                self.osr, self.osr_count = self.x, 0
            return True
        if conditional and self.isr_count < self.setup.push_at:
            return True
        if self.rx_room():
            self._push()
            return True
        self.block.debug |= 1 << self.index
        if not block:
            self.isr = self.isr_count = 0
        return not block

    def _mov(self, to, source):
        assert to in (1, 2, 5, 6, 7) and source & 7 not in (0, 4, 5), "this MOV is not modelled"
        value = (None, self.x, self.y, 0, None, None, self.isr, self.osr)[source & 7]
        if source & 8:
            value ^= ALL
        elif source & 16:
            value = sum([(value >> k & 1) << 31 - k for k in range(32)])
        if to == 1:
            self.x = value
        elif to == 2:
            self.y = value
        elif to == 5:
            self._next = value & 31
        elif to == 6:
            self.isr, self.isr_count = value, 0
        else:
            self.osr, self.osr_count = value, 0
        return True

    def _irq(self, how, index):
        flag = 1 << self._flag(index)
        if how & 2:
            self.block.set_flags(self.block.flags & ~flag)
            return True
        if not how & 1:
            self.block.set_flags(self.block.flags | flag)
            return True
        if not self._raised:  # and wait until it is cleared
            self._raised = True
            self.block.set_flags(self.block.flags | flag)
        self._raised = bool(self.block.flags & flag)
        return not self._raised

    def _set(self, to, value):
        if to in (0, 4):
            self._drive(to == 4, self.setup.set_base, self.setup.set_count, value)
        elif to == 1:
            self.x = value
        else:
            assert to == 2, "not a destination of SET"
            self.y = value
        return True


class Block:
    """One PIO. `pins` reads and drives pads; `moved()` is called when a FIFO or a flag has changed."""

    def __init__(self, index, pins, moved):
        self.index = index
        self.pins = pins
        self.moved = moved
        self.memory = [None] * 32
        self.flags = 0
        self.debug = 0
        self.handlers = {}  # of the processor: key -> (flags, handler, its argument)
        self.raised = 0  # flags of the interrupt that came last
        self.machines = [Machine(self, k) for k in range(4)]

    def drive(self, gpio, direction, level):
        self.pins.drive(self.index, gpio, direction, level)

    def set_flags(self, flags):
        if flags != self.flags:
            self.flags = flags
            self.moved()

    def wake(self, now):
        for machine in self.machines:
            machine.wake(now)

    def load(self, words, offset):
        for k in range(len(words)):
            word = words[k]
            # Only jumps name an address.
            self.memory[offset + k] = word + offset if word >> 13 == 0 else word

    def place(self, length):
        """Return the highest place that is free for a program, or None."""
        for offset in range(32 - length, -1, -1):
            if self.memory[offset : offset + length] == [None] * length:
                return offset
        return None

    def read(self, offset):
        if offset == CTRL:
            return sum([1 << m.index for m in self.machines if m.enabled])
        if offset == FDEBUG:
            return self.debug
        if offset == FSTAT:
            bits = 0
            for m in self.machines:
                flags = (not m.tx) << 24 | (not m.tx_room()) << 16 | (not m.rx) << 8 | (not m.rx_room())
                bits |= flags << m.index
            return bits
        if offset == FLEVEL:
            return sum([(len(m.tx) | len(m.rx) << 4) << 8 * m.index for m in self.machines])
        if RXF <= offset < RXF + 16:
            machine = self.machines[offset - RXF >> 2]
            assert machine.rx, "read of an empty FIFO"
            word = machine.rx.pop(0)
            self.moved()
            return word
        if offset == IRQ:
            return self.flags
        if offset >= ADDR and (offset - ADDR) % _MACHINE_SPACING == 0:
            return self.machines[(offset - ADDR) // _MACHINE_SPACING].pc
        raise AssertionError("PIO register 0x%03x is not modelled for reading" % offset)

    def write(self, offset, value, now):
        if offset == CTRL:
            assert not value >> 4 & 15, "a restart leaves the program counter where it is"
            for machine in self.machines:
                machine.enable(bool(value >> machine.index & 1), now)
                if value >> 8 + machine.index & 1:
                    machine.due = now
        elif offset == FDEBUG:
            self.debug &= ~value
        elif TXF <= offset < TXF + 16:
            machine = self.machines[offset - TXF >> 2]
            assert machine.tx_room(), "write to a full FIFO"
            machine.tx.append(value & ALL)
            self.moved()
        elif offset == IRQ:
            self.set_flags(self.flags & ~value)
        elif offset == IRQ_FORCE:
            self.set_flags(self.flags | value & 0xFF)
        else:
            raise AssertionError("PIO register 0x%03x is not modelled for writing" % offset)

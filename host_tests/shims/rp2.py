"""A strict fake of an RP2040's `rp2`: programs are assembled and executed, DMA moves real buffers.

The parts are `pio_asm` (assembler), `pio_block` (state machines) and `dma_block`; this module has the
interface of MicroPython 1.28 and its errors. Time passes with `machine.advance_us`.
"""

import machine
from dma_block import FIELDS, Dma, Memory
from pio_asm import (  # noqa: F401  the names that the firmware imports
    EXECCTRL,
    OFFSETS,
    OUT_PINS,
    SET_PINS,
    SHIFTCTRL,
    SIDE_PINS,
    WORDS,
    PIOASMError,
    asm_pio,
    asm_pio_encode,
)
from pio_asm import FIELDS as PROGRAM_FIELDS
from pio_block import RXF, TXF, Block, Setup

_SYSTEM_HZ = 125000000
_UNITS = 32000  # of a state machine's time in a microsecond: 1/256 of a system clock
_PIO, _PIO_SPACING, _DMA = 0x50200000, 0x100000, 0x50000000
_ENOMEM, _EBUSY = 12, 16
_DEFAULT_CTRL = 1 | 2 << 2 | 1 << 4 | 1 << 5 | 0x3F << 15 | 1 << 21


class _Pads:
    """What the PIO blocks see and drive of the pins."""

    def __init__(self):
        self.levels = [0, 0]
        self.directions = [0, 0]

    def level(self, gpio):
        return machine.pin_level(gpio)

    def drive(self, block, gpio, direction, level):
        machine.check_function(gpio, "pio%d" % block)
        bits = self.directions if direction else self.levels
        if bits[block] >> gpio & 1 != level:
            bits[block] ^= 1 << gpio
            machine.pin_changed(gpio)

    def driven(self, block, gpio):
        """Return the level that a block drives onto a pin, or None."""
        return self.levels[block] >> gpio & 1 if self.directions[block] >> gpio & 1 else None


class _Silicon:
    """Both PIOs and the DMA of one chip."""

    def __init__(self, chip):
        self.pads = _Pads()
        self.pios = [Block(k, self.pads, self.moved) for k in range(2)]
        self.memory = Memory()
        self.dma = Dma(self.memory, self.bus_read, self.bus_write, self._requested, self.moved)
        self.programs = []  # (program, PIO) that were loaded; a program keeps its place over a power cycle
        self._settling = False
        self._machines = self.pios[0].machines + self.pios[1].machines
        self._chip = chip
        chip.sources.append(self)
        chip.requests.append(self._request)
        chip.buses.append(self)
        chip.pio_pads = self.pads
        chip.changed.append(self.wake)
        chip.moved.append(self.moved)

    def now(self):
        return int(machine.now_us() * _UNITS + 0.5)

    def due_us(self):
        first = self._first()
        return None if first is None else first.due / _UNITS

    def _first(self):
        """Return the state machine that executes next, or None."""
        first = None
        for state in self._machines:
            if state.enabled and not state.stalled and (first is None or state.due < first.due):
                first = state
        return first

    def happen(self):
        chip = self._chip
        first = self._first()
        while first is not None and first.due / _UNITS <= chip.horizon_us:
            chip.now_us = max(chip.now_us, first.due / _UNITS)
            first.step()
            first = self._first()

    def wake(self):
        for block in self.pios:
            block.wake(self.now())

    def moved(self):
        """Let DMA do what it can now, and wake who waits for it."""
        if self._settling:
            return
        self._settling = True
        try:
            self.dma.run()
            self.wake()
        finally:
            self._settling = False
        machine.take_interrupts()

    def _requested(self, treq):
        if treq >= 16:
            assert treq in self._chip.dreqs, (
                "DREQ %d is not modelled, or nobody uses what it belongs to" % treq
            )
            return self._chip.dreqs[treq]()
        state = self.pios[treq >> 3].machines[treq & 3]
        return bool(state.rx) if treq & 4 else state.tx_room() > 0

    def _request(self):
        """Return the next interrupt handler that is asked for, or None."""
        for block in self.pios:
            for index in range(5):
                flags, handler, argument = block.handlers.get(index, (0, None, None))
                raised = block.flags & flags & 15
                if raised:
                    block.raised = raised << 8
                    block.set_flags(block.flags & ~raised)
                    return lambda handler=handler, argument=argument: handler(argument)
        for channel in self.dma.channels:
            if channel.done and channel.handler is not None:
                channel.done = False
                handler, owner = channel.handler
                return lambda handler=handler, owner=owner: handler(owner)
        return None

    def covers(self, address):
        return _DMA <= address < _DMA + 0x1000 or _PIO <= address < _PIO + 2 * _PIO_SPACING

    def read32(self, address):
        if address >= _PIO:
            return self.pios[(address - _PIO) // _PIO_SPACING].read((address - _PIO) % _PIO_SPACING)
        return self.dma.read(address - _DMA)

    def write32(self, address, value):
        if address >= _PIO:
            block = self.pios[(address - _PIO) // _PIO_SPACING]
            block.write((address - _PIO) % _PIO_SPACING, value, self.now())
        else:
            self.dma.write(address - _DMA, value)
        self.moved()

    def bus_read(self, address, size):
        """Read for the DMA; a narrow read takes its lanes of the register."""
        if self.memory.holds(address, size):
            return self.memory.read(address, size)
        return machine.bus(address).read32(address & ~3) >> 8 * (address & 3) & (1 << 8 * size) - 1

    def bus_write(self, address, size, value):
        """Write for the DMA; a narrow write appears on all lanes of a register."""
        if self.memory.holds(address, size):
            self.memory.write(address, size, value)
        else:
            value &= (1 << 8 * size) - 1
            machine.bus(address).write32(address & ~3, value * {1: 0x01010101, 2: 0x00010001, 4: 1}[size])


def _silicon():
    chip = machine.chip()
    if chip.silicon is None:
        chip.silicon = _Silicon(chip)
    return chip.silicon


def _check_program(program):
    assert isinstance(program, list) and len(program) == PROGRAM_FIELDS, "not a program"


class _Irq:
    """What the `irq()` methods return."""

    def __init__(self, block=None):
        self._block = block

    def flags(self):
        return self._block.raised if self._block else 1


class PIO:
    IN_LOW, IN_HIGH, OUT_LOW, OUT_HIGH = 0, 1, 2, 3
    SHIFT_LEFT, SHIFT_RIGHT = 0, 1
    JOIN_NONE, JOIN_TX, JOIN_RX = 0, 1, 2
    IRQ_SM0, IRQ_SM1, IRQ_SM2, IRQ_SM3 = 0x100, 0x200, 0x400, 0x800

    def __init__(self, id):
        if id not in (0, 1):
            raise ValueError("invalid PIO")
        self._id = id
        self._block = _silicon().pios[id]

    def add_program(self, prog):
        _check_program(prog)
        offset = self._block.place(len(prog[WORDS]))
        if offset is None:
            raise OSError(_ENOMEM)
        self._block.load(prog[WORDS], offset)
        _silicon().programs.append((prog, self._id))
        prog[OFFSETS + self._id] = offset

    def remove_program(self, prog=None):
        offset, length = 0, 32
        if prog is not None:
            _check_program(prog)
            offset, length = prog[OFFSETS + self._id], len(prog[WORDS])
            if offset < 0:
                raise ValueError("prog not in instruction memory")
            prog[OFFSETS + self._id] = -1
        for at in range(offset, offset + length):
            self._block.memory[at] = None

    def state_machine(self, id, *args, **kwargs):
        if id not in range(4):
            raise ValueError("invalid StateMachine")
        return StateMachine(4 * self._id + id, *args, **kwargs)

    def irq(self, *args, **kwargs):
        if args or kwargs:
            self._set_irq(*args, **kwargs)
        return _Irq(self._block)

    def _set_irq(self, handler=None, trigger=0xF00, hard=False):
        assert handler is None or (callable(handler) and hard is True), "only hard interrupts are modelled"
        assert trigger & ~0xF00 == 0, "only the flags of the state machines are modelled"
        if handler is None:
            self._block.handlers.pop(4, None)
        else:
            self._block.handlers[4] = (trigger >> 8, handler, self)
            machine.take_interrupts()


class StateMachine:
    def __init__(self, id, *args, **kwargs):
        if not isinstance(id, int) or not 0 <= id < 8:
            raise ValueError("invalid StateMachine")
        self._block = _silicon().pios[id >> 2]
        self._pio = PIO(id >> 2)
        self._core = self._block.machines[id & 3]
        self._offset = None
        if args or kwargs:
            self.init(*args, **kwargs)

    def init(
        self,
        prog,
        freq=-1,
        *,
        in_base=None,
        out_base=None,
        set_base=None,
        jmp_pin=None,
        sideset_base=None,
        in_shiftdir=None,
        out_shiftdir=None,
        push_thresh=None,
        pull_thresh=None,
    ):
        _check_program(prog)
        core, pio = self._core, self._block.index
        core.enable(False, 0)
        new = not [1 for known, where in _silicon().programs if known is prog and where == pio]
        if new or prog[OFFSETS + pio] < 0:
            self._pio.add_program(prog)
        self._offset = offset = prog[OFFSETS + pio]
        for k in range(len(prog[WORDS])):
            assert self._block.memory[offset + k] is not None, "the program was removed"
        if freq == -1:
            core.divider = 256
        else:
            assert isinstance(freq, int) and freq > 0, "freq must be a positive int"
            core.divider = _SYSTEM_HZ * 256 // freq
            if not 256 <= core.divider <= 65536 * 256:
                raise ValueError("freq out of range")
        execctrl, shiftctrl = prog[EXECCTRL], prog[SHIFTCTRL]
        setup = Setup()
        setup.wrap = ((execctrl >> 12 & 31) + offset, (execctrl >> 7 & 31) + offset)
        setup.side_optional = bool(execctrl >> 30 & 1)
        setup.side_directions = bool(execctrl >> 29 & 1)
        setup.join = shiftctrl >> 30
        setup.autopull, setup.autopush = bool(shiftctrl >> 17 & 1), bool(shiftctrl >> 16 & 1)
        setup.out_right = bool(shiftctrl >> 19 & 1 if out_shiftdir is None else out_shiftdir)
        setup.in_right = bool(shiftctrl >> 18 & 1 if in_shiftdir is None else in_shiftdir)
        setup.push_at = (shiftctrl >> 20 & 31 if push_thresh is None else push_thresh) or 32
        setup.pull_at = (shiftctrl >> 25 & 31 if pull_thresh is None else pull_thresh) or 32
        setup.in_base, setup.jmp_pin = _input(in_base), _input(jmp_pin)
        setup.out_base, setup.out_count = self._outputs(out_base, prog[OUT_PINS])
        setup.set_base, setup.set_count = self._outputs(set_base, prog[SET_PINS])
        setup.side_base, setup.side_count = self._outputs(sideset_base, prog[SIDE_PINS])
        core.set_up(setup, offset)
        _silicon().moved()

    def _outputs(self, base, states):
        """Take the pins over and bring them into their first state; return the first one and their count."""
        if base is None:
            assert states is None, "the program has pins that are not given"
            return None, 0
        assert states is not None, "the program does not say how these pins start"
        states = (states,) if isinstance(states, int) else states
        base = machine.gpio_of(base)
        pads, pio = _silicon().pads, self._block.index
        for k in range(len(states)):
            machine.take_over(base + k, "pio%d" % pio)
            pads.drive(pio, base + k, False, states[k] & 1)
            pads.drive(pio, base + k, True, states[k] >> 1)
        return base, len(states)

    def active(self, value=None):
        if value is not None:
            assert self._offset is not None, "a state machine without a program"
            self._core.enable(bool(value), _silicon().now())
        return self._core.enabled

    def restart(self):
        self._core.restart(self._offset)

    def exec(self, instr):
        setup = self._core.setup
        if isinstance(instr, str):
            instr = asm_pio_encode(instr, setup.side_count + setup.side_optional, setup.side_optional)
        self._core.execute(instr)
        _silicon().moved()

    def get(self, buf=None, shift=0):
        assert buf is None, "reading into a buffer is not modelled"
        assert self._core.rx, "get() would wait"
        return self._block.read(RXF + 4 * self._core.index) >> shift

    def put(self, value, shift=0):
        assert isinstance(value, int), "writing a buffer is not modelled"
        assert self._core.tx_room(), "put() would wait"
        self._block.write(TXF + 4 * self._core.index, value << shift, 0)

    def rx_fifo(self):
        return len(self._core.rx)

    def tx_fifo(self):
        return len(self._core.tx)

    def irq(self, *args, **kwargs):
        if args or kwargs:
            self._set_irq(*args, **kwargs)
        return _Irq()

    def _set_irq(self, handler=None, trigger=1, hard=False):
        assert handler is None or (callable(handler) and hard is True), "only hard interrupts are modelled"
        assert trigger == 1
        if handler is None:
            self._block.handlers.pop(self._core.index, None)
        else:
            self._block.handlers[self._core.index] = (1 << self._core.index, handler, self)
            machine.take_interrupts()

    def fifo_address(self, writing):
        """Return where a DMA that is given this object reads or writes."""
        fifo = (TXF if writing else RXF) + 4 * self._core.index
        return _PIO + _PIO_SPACING * self._block.index + fifo


def _input(pin):
    """Return the number of an input pin that something drives or pulls."""
    if pin is None:
        return None
    gpio = machine.gpio_of(pin)
    machine.pin_level(gpio)
    return gpio


class DMA:
    def __init__(self):
        free = [channel for channel in _silicon().dma.channels if not channel.claimed]
        if not free:
            raise OSError(_EBUSY)
        channel = free[0]
        channel.claimed = True
        self._claimed = channel

    def _channel(self):
        if self._claimed is None:
            raise ValueError("channel closed")
        return self._claimed

    @property
    def channel(self):
        return self._channel().index

    @property
    def read(self):
        return self._channel().read_register(0)

    @read.setter
    def read(self, value):
        self._channel().write_register(0, _address(value, False))

    @property
    def write(self):
        return self._channel().read_register(1)

    @write.setter
    def write(self, value):
        self._channel().write_register(1, _address(value, True))

    @property
    def count(self):
        return self._channel().read_register(2)

    @count.setter
    def count(self, value):
        self._channel().write_register(2, value)

    @property
    def ctrl(self):
        return self._channel().read_register(4)

    @ctrl.setter
    def ctrl(self, value):
        self._channel().write_register(4, value)

    def config(self, *, read=None, write=None, count=None, ctrl=None, trigger=False):
        channel = self._channel()
        if ctrl is not None:
            channel.write_register(4, ctrl)
        if read is not None:
            channel.write_register(0, _address(read, False))
        if write is not None:
            channel.write_register(1, _address(write, True))
        if count is not None:
            assert isinstance(count, int) and 0 < count < 1 << 32
            channel.write_register(2, count)
        if trigger:
            channel.start()

    def active(self, value=None):
        channel = self._channel()
        if value is not None:
            if value:
                channel.start()
            else:
                channel.abort()
        return channel.busy

    def pack_ctrl(self, *, default=None, **fields):
        value = _DEFAULT_CTRL | self.channel << FIELDS["chain_to"][0] if default is None else default
        for name in fields:
            if name not in FIELDS:
                raise TypeError("there is no field %s" % name)
            low, bits = FIELDS[name]
            if not 0 <= fields[name] < 1 << bits:
                raise ValueError("bad field value")
            value = value & ~((1 << bits) - 1 << low) | fields[name] << low
        return value

    @staticmethod
    def unpack_ctrl(value):
        return {name: value >> FIELDS[name][0] & (1 << FIELDS[name][1]) - 1 for name in FIELDS}

    def irq(self, *args, **kwargs):
        if args or kwargs:
            self._set_irq(*args, **kwargs)
        return _Irq()

    def _set_irq(self, handler=None, hard=False):
        assert handler is None or (callable(handler) and hard is True), "only hard interrupts are modelled"
        channel = self._channel()
        channel.done = False
        channel.handler = None if handler is None else (handler, self)

    def close(self):
        if self._claimed is not None:
            self._claimed.abort()
            self._claimed.handler = None
            self._claimed.claimed = False
            self._claimed = None


def _address(place, writing):
    """Return the address that a register, a state machine or a buffer has."""
    if isinstance(place, int):
        return place
    if isinstance(place, StateMachine):
        return place.fifo_address(writing)
    return _silicon().memory.address(place)


# For tests.


def next_buffer_at(address):
    """Choose where in RAM the next buffer lies that DMA is given."""
    _silicon().memory.next_buffer_at(address)


def pio_words_free(pio):
    """Return how many words of instruction memory are free."""
    return sum([word is None for word in _silicon().pios[pio].memory])


def dma_channels_claimed():
    return sum([channel.claimed for channel in _silicon().dma.channels])

"""A strict fake of an RP2040's `machine`, for CPython and MicroPython: wrong pins, calls and types fail.

The upper half is what the firmware imports. The lower half is for tests, in physical terms: contacts
are closed, levels change on a wire, time passes. Whatever the drivers must not do raises AssertionError.
`power_on()` before each test makes the chip new.

What the chip has beyond this module (converter, PIO, DMA) joins in by the lists of `_Chip`.
"""

from adc_block import Adc

_PICO_INTERNAL = (23, 24, 25, 29)
_SIO_OUT, _SIO_SET, _SIO_CLR = 0xD0000010, 0xD0000014, 0xD0000018
_WRITABLE = (_SIO_SET, _SIO_CLR)  # not written out below: a tuple made there would allocate


def _whole(value, low, high, what):
    assert isinstance(value, int) and not isinstance(value, bool), "%s must be an int: %r" % (what, value)
    if not low <= value <= high:
        raise ValueError("%s must be %d to %d, not %d" % (what, low, high, value))
    return value


class _Pad:
    """One pin as a meter sees it: who drives it, its pull, what is connected outside."""

    def __init__(self):
        self.function = "none"
        self.output = False
        self.pull = 0
        self.outside = None  # 0 or 1 where a contact or another chip drives it
        self.edges = []  # (time in us, level) of what the chip itself drives


class _Chip:
    def __init__(self):
        self.now_us = 0  # a float while something happens between two microseconds
        self.pads = {gpio: _Pad() for gpio in range(30) if gpio not in _PICO_INTERNAL}
        self.out = 0
        self.stuck_low = 0
        self.register_writes = []
        self.logging = True
        self.irq_on = True
        self.pending = None  # (turns to wait, handler)
        self.in_interrupt = False
        self.i2c_devices = {}
        self.i2c_traffic = []
        self.watchdog = None
        self.wires = _Wires()
        self.resets = _Resets()
        self.sources = [self.wires]  # of what happens by itself: due_us(), happen()
        self.horizon_us = 0  # nothing but what happens just now is due before
        self.requests = []  # functions that return an interrupt handler that is asked for, or None
        self.buses = [self.resets]  # registers: covers(address), read32(address), write32(address, value)
        self.changed = []  # functions that are called when the level of a pin may have changed
        self.watchers = {}  # gpio: functions that are told the level that the chip drives
        self.dreqs = {}  # number of a DMA request: function that tells whether it stands
        self.moved = []  # functions that are called when a DMA request may have come up
        self.pio_pads = None
        self.silicon = None
        self.adc = None
        self.adc_code = None


class _Wires:
    """Levels that will be driven onto pins from outside, each at its time."""

    def __init__(self):
        self._coming = []  # (time in us, gpio, level), the next one last

    def add(self, levels):
        self._coming = sorted(self._coming + levels, reverse=True)
        _chip.horizon_us = min(_chip.horizon_us, self._coming[-1][0])

    def due_us(self):
        return self._coming[-1][0] if self._coming else None

    def happen(self):
        _, gpio, level = self._coming.pop()
        set_level(gpio, level)


class _Resets:
    """The watchdog's registers: its control, why the chip was reset, and eight words that outlive a reset."""

    _CTRL, _REASON, _SCRATCH = 0x40058000, 0x40058008, 0x4005800C
    _CLEAR = 0x3000  # the alias of a register where written ones clear

    def __init__(self):
        self.reason = 0
        self.scratch = [0] * 8

    def covers(self, address):
        return address & ~self._CLEAR & ~0xFFF == self._CTRL

    def read32(self, address):
        if address == self._REASON:
            return self.reason
        assert self._SCRATCH <= address < self._SCRATCH + 32, "unexpected read of 0x%08x" % address
        return self.scratch[(address - self._SCRATCH) // 4]

    def write32(self, address, value):
        if address == self._CTRL | self._CLEAR:
            assert value == 1 << 30, "only the watchdog's enable bit may be cleared"
            _chip.watchdog = None
            return
        assert self._SCRATCH <= address < self._SCRATCH + 16, "the upper four words are the boot ROM's"
        self.scratch[(address - self._SCRATCH) // 4] = value


_chip = _Chip()


def _pad(gpio):
    _whole(gpio, 0, 29, "pin")
    assert gpio not in _PICO_INTERNAL, "GP%d is used by the Pico itself" % gpio
    return _chip.pads[gpio]


def _put(gpio, level):
    """Change one bit of the output register, and the pin where it follows that register."""
    old = _chip.out >> gpio & 1
    level = level if not _chip.stuck_low >> gpio & 1 else 0
    _chip.out = _chip.out & ~(1 << gpio) | level << gpio
    if old != level:
        pin_changed(gpio)


def _driven(gpio):
    """Return the level that the chip drives onto a pin, or None."""
    pad = _chip.pads[gpio]
    if pad.function == "sio":
        return _chip.out >> gpio & 1 if pad.output else None
    if pad.function in ("pio0", "pio1"):
        return _chip.pio_pads.driven(int(pad.function[3]), gpio)
    return None


def _turn():
    """One moment at which a pending interrupt may be taken."""
    take_interrupts()
    if _chip.pending is None or not _chip.irq_on or _chip.in_interrupt:
        return
    turns, handler = _chip.pending
    if turns > 0:
        _chip.pending = (turns - 1, handler)
        return
    _chip.pending = None
    _interrupt(handler)


def _interrupt(handler):
    _chip.in_interrupt = True
    try:
        handler()
    finally:
        _chip.in_interrupt = False


def take_interrupts():
    """Run the handlers of all interrupts that are asked for, unless they are off or one is running."""
    if not _chip.irq_on or _chip.in_interrupt:
        return
    for request in _chip.requests:
        handler = request()
        while handler is not None:
            _interrupt(handler)
            handler = request()


class Pin:
    IN, OUT = 0, 1
    PULL_UP, PULL_DOWN = 1, 2

    def __init__(self, id, mode=None, pull=None, *, value=None):
        pad = _pad(id)
        self._gpio = id
        if mode is None:
            assert pull is None and value is None, "pull or value without a mode"
            return
        assert mode in (Pin.IN, Pin.OUT), "unknown mode %r" % mode
        assert pull in (None, Pin.PULL_UP, Pin.PULL_DOWN), "unknown pull %r" % pull
        assert pad.function in ("none", "sio"), "GP%d belongs to %s" % (id, pad.function)
        if mode == Pin.OUT:
            assert pad.outside is None, "GP%d would be driven from both sides" % id
            if value is not None:
                _put(id, _whole(value, 0, 1, "value"))
        else:
            assert value is None, "an input has no value to set"
        pad.function, pad.output, pad.pull = "sio", mode == Pin.OUT, pull or 0
        pin_changed(id)

    def value(self, level=None):
        return self(level)

    def __call__(self, level=None):
        pad = _pad(self._gpio)
        assert pad.function != "none", "GP%d is not configured" % self._gpio
        _turn()
        if level is None:
            return pin_level(self._gpio)
        assert pad.output and pad.function == "sio", "GP%d is not an output" % self._gpio
        _put(self._gpio, _whole(level, 0, 1, "level"))
        return None


class _Mem32:
    """The registers that a driver may use, and no others."""

    def __getitem__(self, address):
        _turn()
        if address != _SIO_OUT:
            return bus(address).read32(address)
        return _chip.out

    def __setitem__(self, address, bits):
        if address not in _WRITABLE:
            _whole(bits, 0, (1 << 32) - 1, "register bits")
            bus(address).write32(address, bits)
            _turn()
            return
        _whole(bits, 0, (1 << 30) - 1, "register bits")
        _turn()
        if _chip.logging:
            _chip.register_writes.append(("set" if address == _SIO_SET else "clear", bits))
        for gpio in range(30):
            if bits >> gpio & 1:
                pad = _pad(gpio)
                assert pad.output and pad.function == "sio", "GP%d is not an output" % gpio
                _put(gpio, 1 if address == _SIO_SET else 0)


mem32 = _Mem32()


def bus(address):
    """Return the part of the chip that has a register there."""
    for part in _chip.buses:
        if part.covers(address):
            return part
    raise AssertionError("unexpected access to 0x%08x" % address)


def freq():
    return 125000000


def disable_irq():
    _turn()
    state = 0 if _chip.irq_on else 1
    _chip.irq_on = False
    return state


def enable_irq(state):
    _whole(state, 0, 1, "interrupt state")
    _chip.irq_on = state == 0
    _turn()


class I2C:
    def __init__(self, id, *, scl, sda, freq, timeout):
        _whole(id, 0, 1, "I2C")
        assert isinstance(scl, Pin) and isinstance(sda, Pin)
        if scl._gpio & 1 != 1 or (scl._gpio & 2) >> 1 != id:
            raise ValueError("bad SCL pin")
        if sda._gpio & 1 != 0 or (sda._gpio & 2) >> 1 != id:
            raise ValueError("bad SDA pin")
        _pad(scl._gpio).function = _pad(sda._gpio).function = "i2c%d" % id
        self._freq = _whole(freq, 1000, 100000, "I2C frequency of a PCF8574")
        _whole(timeout, 1, 50000, "timeout")

    def writeto(self, address, buf):
        _whole(address, 0x08, 0x77, "I2C address")
        device = _chip.i2c_devices.get(address)
        if device is None:
            raise OSError(5)
        byte_us = 9000000 // self._freq
        _chip.i2c_traffic.append((_chip.now_us, len(buf) + 1))
        for byte in bytes(buf):
            device.port_written(byte, byte_us)
        return len(buf)


class ADC:
    def __init__(self, channel):
        _whole(channel, 0, 3, "ADC channel")
        gpio = 26 + channel
        assert _pad(gpio).function in ("none", "adc"), "GP%d belongs to %s" % (gpio, _pad(gpio).function)
        _pad(gpio).function = "adc"
        if _chip.adc is None:
            _chip.adc = Adc(_chip)
        _chip.adc.channels |= 1 << channel


class ChipReset(BaseException):
    """`reset()` does not come back."""


def unique_id():
    """The number of the flash chip, eight bytes."""
    return b"\xe6\x61\x64\x08\x43\x12\x34\x56"


def reset():
    raise ChipReset


class WDT:
    def __init__(self, *, timeout):
        _whole(timeout, 1, 8388, "watchdog timeout")
        _chip.watchdog = (timeout * 1000, _chip.now_us)

    def feed(self):
        _chip.watchdog = (_chip.watchdog[0], _chip.now_us)


# For the other parts of the chip.


def chip():
    return _chip


def gpio_of(pin):
    """Return the number of a pin that is given as a `Pin` or as a number."""
    if isinstance(pin, Pin):
        return pin._gpio
    _pad(pin)
    return pin


def take_over(gpio, function):
    """Give a pin to a part of the chip; a pin that has another function fails."""
    pad = _pad(gpio)
    assert pad.function in ("none", function), "GP%d belongs to %s" % (gpio, pad.function)
    assert pad.outside is None, "GP%d would be driven from both sides" % gpio
    pad.function = function
    pin_changed(gpio)


def check_function(gpio, function):
    assert _pad(gpio).function == function, "GP%d does not belong to %s" % (gpio, function)


# For tests, in physical terms.


def power_on():
    """Make the chip as after power-on: every pin an input without a pull."""
    global _chip
    _chip = _Chip()


def restart_by_watchdog():
    """Make the chip as after its watchdog has reset it."""
    global _chip
    scratch = _chip.resets.scratch
    _chip = _Chip()
    _chip.resets.scratch, _chip.resets.reason = scratch, 1


def convert_with(code_of):
    """Let the chip's own converter read `code_of(channel, now_us)`, 0 to 4095."""
    _chip.adc_code = code_of


def pin_level(gpio):
    """Return what a meter shows on a pin, 0 or 1; a floating pin fails."""
    pad = _pad(gpio)
    level = _driven(gpio)
    if level is not None:
        return level
    if pad.outside is not None:
        return pad.outside
    assert pad.pull, "GP%d floats" % gpio
    return 1 if pad.pull == Pin.PULL_UP else 0


def pin_edges(gpio):
    """Return the levels that the chip has driven onto a pin, as (time in us, level)."""
    return _pad(gpio).edges


def pin_is_output(gpio):
    _pad(gpio)
    return _driven(gpio) is not None


def configured_pins():
    """Return the pins that anything has been done to."""
    return [gpio for gpio in sorted(_chip.pads) if _chip.pads[gpio].function != "none"]


def close_contact(gpio):
    """Connect a pin to ground."""
    set_level(gpio, 0)


def open_contact(gpio):
    """Leave a pin to its pull: a contact that opens, or a wire that breaks."""
    set_level(gpio, None)


def set_level(gpio, level):
    """Let another chip drive a pin from now on: 0, 1, or None where it lets go."""
    pad = _pad(gpio)
    assert level is None or _driven(gpio) is None, "GP%d would be driven from both sides" % gpio
    pad.outside = level
    for wake in _chip.changed:
        wake()


def watch_pin(gpio, told):
    """Call `told(level)` whenever the chip may have changed what it drives onto a pin; None: nothing."""
    _chip.watchers[gpio] = _chip.watchers.get(gpio, ()) + (told,)


def connect_pins(source, to):
    """Wire an output to an input of the same chip."""
    watch_pin(source, lambda level: set_level(to, level))
    set_level(to, _driven(source))


def drive_pin(gpio, levels):
    """Let another chip drive a pin: `levels` as (time in us, 0 or 1, or None where it lets go)."""
    _pad(gpio)
    coming = []
    for time_us, level in levels:
        if time_us <= _chip.now_us:
            set_level(gpio, level)
        else:
            coming.append((time_us, gpio, level))
    if coming:
        _chip.wires.add(coming)


def short_output_register(gpio):
    """Make an output bit that cannot be set any more."""
    _chip.stuck_low |= 1 << gpio


def register_writes():
    """Return the stores to the SIO since the last call, as (set or clear, bits)."""
    writes = _chip.register_writes
    _chip.register_writes = []
    return writes


def stop_logging():
    """Keep no lists from here on, for a test with the heap locked."""
    _chip.logging = False


def pin_changed(gpio):
    """Log the level that the chip drives onto a pin, if it is another one, and tell who watches pins."""
    pad = _chip.pads[gpio]
    level = _driven(gpio)
    if level is not None and _chip.logging and (not pad.edges or pad.edges[-1][1] != level):
        pad.edges.append((_chip.now_us, level))
    for told in _chip.watchers.get(gpio, ()):
        told(level)
    for wake in _chip.changed:
        wake()


def interrupts_enabled():
    return _chip.irq_on


def interrupt_after(turns, handler):
    """Run `handler` as an interrupt at the first chance after `turns` register or pin accesses."""
    _chip.pending = (turns, handler)


def interrupt_pending():
    return _chip.pending is not None


def now_us():
    """Return the time since power-on."""
    return _chip.now_us


def advance_us(duration_us):
    """Let time pass: everything that goes by itself happens, each at its moment."""
    end = _chip.now_us + duration_us
    while True:
        first, moment, following = None, end, end
        for source in _chip.sources:
            due = source.due_us()
            if due is None or due > end:
                continue
            if first is None or due < moment:
                first, moment, following = source, due, moment
            else:
                following = min(following, due)
        if first is None:
            break
        _chip.now_us = max(_chip.now_us, moment)
        _chip.horizon_us = following
        first.happen()
    _chip.now_us = end


def attach_i2c(address, device):
    """Put a device on the bus; it gets `port_written(byte, byte_us)`."""
    _chip.i2c_devices[address] = device


def detach_i2c(address):
    del _chip.i2c_devices[address]


def i2c_traffic():
    """Return the transfers since the last call, as (time in us, bytes with the address)."""
    traffic = _chip.i2c_traffic
    _chip.i2c_traffic = []
    return traffic


def watchdog_running():
    return _chip.watchdog is not None


def watchdog_expired():
    """Return whether the watchdog would have reset the chip by now."""
    return _chip.watchdog is not None and _chip.now_us - _chip.watchdog[1] > _chip.watchdog[0]

"""A strict fake of an RP2040's `machine`, for CPython and MicroPython: wrong pins, calls and types fail.

The upper half is what the firmware imports. The lower half is for tests, in physical terms: contacts
are closed, bytes arrive on a wire, time passes. Whatever the drivers must not do raises AssertionError.
`power_on()` before each test makes the chip new.
"""

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
        self.now_us = 0
        self.pads = {gpio: _Pad() for gpio in range(30) if gpio not in _PICO_INTERNAL}
        self.out = 0
        self.stuck_low = 0
        self.register_writes = []
        self.logging = True
        self.irq_on = True
        self.pending = None  # (turns to wait, handler)
        self.in_interrupt = False
        self.timers = []
        self.uarts = {}
        self.i2c_devices = {}
        self.i2c_traffic = []
        self.watchdog = None


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
    pad = _chip.pads[gpio]
    if pad.output and pad.function == "sio" and old != level and _chip.logging:
        pad.edges.append((_chip.now_us, level))


def _turn():
    """One moment at which a pending interrupt may be taken."""
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
            if not pad.output:
                pad.edges.append((_chip.now_us, _chip.out >> id & 1))
        else:
            assert value is None, "an input has no value to set"
        pad.function, pad.output, pad.pull = "sio", mode == Pin.OUT, pull or 0

    def value(self, level=None):
        return self(level)

    def __call__(self, level=None):
        pad = _pad(self._gpio)
        assert pad.function == "sio", "GP%d is not configured" % self._gpio
        _turn()
        if level is None:
            return pin_level(self._gpio)
        assert pad.output, "GP%d is not an output" % self._gpio
        _put(self._gpio, _whole(level, 0, 1, "level"))
        return None


class _Mem32:
    """The registers that a driver may use, and no others."""

    def __getitem__(self, address):
        assert address == _SIO_OUT, "unexpected read of 0x%08x" % address
        _turn()
        return _chip.out

    def __setitem__(self, address, bits):
        assert address in _WRITABLE, "unexpected write to 0x%08x" % address
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


def disable_irq():
    _turn()
    state = 0 if _chip.irq_on else 1
    _chip.irq_on = False
    return state


def enable_irq(state):
    _whole(state, 0, 1, "interrupt state")
    _chip.irq_on = state == 0
    _turn()


class Timer:
    ONE_SHOT, PERIODIC = 0, 1

    def __init__(self, id):
        assert id == -1, "the RP2040 has only virtual timers"
        self._due_us = None

    def init(self, *, mode, period, tick_hz, callback, hard):
        assert mode == Timer.ONE_SHOT, "only one-shot timers are modelled"
        assert hard is True, "only hard timers keep time during a collection"
        assert callable(callback)
        _whole(tick_hz, 1, 1000000, "tick_hz")
        _whole(period, 0, (1 << 30) - 1, "period")
        self._due_us = _chip.now_us + max(1, period * 1000000 // tick_hz)
        self._callback = callback
        if self not in _chip.timers:
            _chip.timers.append(self)

    def _fire(self):
        self._due_us = None
        _interrupt(lambda: self._callback(self))


class UART:
    def __init__(self, id, *, tx, rx, txbuf, rxbuf, timeout, **line):
        _whole(id, 0, 1, "UART")
        assert id not in _chip.uarts, "UART%d is in use" % id
        assert isinstance(tx, Pin) and isinstance(rx, Pin)
        if tx._gpio & 3 != 0 or ((tx._gpio + 4) & 8) >> 3 != id:
            raise ValueError("bad TX pin")
        if rx._gpio & 3 != 1 or ((rx._gpio + 4) & 8) >> 3 != id:
            raise ValueError("bad RX pin")
        assert _pad(rx._gpio).pull == Pin.PULL_UP, "RX floats while the transceiver sends"
        _pad(tx._gpio).function = _pad(rx._gpio).function = "uart%d" % id
        self._txbuf = _whole(txbuf, 32, 32766, "txbuf")
        self._rxbuf = _whole(rxbuf, 32, 32766, "rxbuf")
        assert timeout == 0, "reading must not wait"
        self._received = bytearray()
        self._queue = bytearray()
        self._byte_ends_us = None
        self._wire = []  # (start, end, byte), times in us
        self._lost = 0
        _chip.uarts[id] = self
        self.init(**line)

    def init(self, *, baudrate, bits, parity, stop):
        assert not self._queue, "the baud rate must not change while bytes go out"
        assert (bits, parity, stop) == (8, None, 1), "the bus is 8N1"
        self._baud = _whole(baudrate, 1200, 1000000, "baud rate")

    def any(self):
        return len(self._received)

    def readinto(self, buf, nbytes):
        _whole(nbytes, 1, len(buf), "nbytes")
        assert nbytes <= len(self._received), "reading would wait for bytes"
        buf[:nbytes] = self._received[:nbytes]
        self._received = self._received[nbytes:]
        return nbytes

    def write(self, buf):
        assert len(buf) + len(self._queue) <= self._txbuf + 32, "writing would wait for room"
        if self._byte_ends_us is None:
            self._byte_ends_us = _chip.now_us + self._char_us()
        self._queue.extend(buf)
        return len(buf)

    def txdone(self):
        _turn()
        return not self._queue

    def _char_us(self):
        return 10000000 / self._baud

    def _byte_out(self):
        end = self._byte_ends_us
        self._wire.append((end - self._char_us(), end, self._queue[0]))
        self._queue = self._queue[1:]
        self._byte_ends_us = end + self._char_us() if self._queue else None


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


class WDT:
    def __init__(self, *, timeout):
        _whole(timeout, 1, 8388, "watchdog timeout")
        _chip.watchdog = (timeout * 1000, _chip.now_us)

    def feed(self):
        _chip.watchdog = (_chip.watchdog[0], _chip.now_us)


# For tests, in physical terms.


def power_on():
    """Make the chip as after power-on: every pin an input without a pull."""
    global _chip
    _chip = _Chip()


def pin_level(gpio):
    """Return what a meter shows on a pin, 0 or 1; a floating pin fails."""
    pad = _pad(gpio)
    if pad.output:
        return _chip.out >> gpio & 1
    if pad.outside is not None:
        return pad.outside
    assert pad.pull, "GP%d floats" % gpio
    return 1 if pad.pull == Pin.PULL_UP else 0


def pin_edges(gpio):
    """Return the levels that the chip has driven onto a pin, as (time in us, level)."""
    return _pad(gpio).edges


def pin_is_output(gpio):
    return _pad(gpio).output


def configured_pins():
    """Return the pins that anything has been done to."""
    return [gpio for gpio in sorted(_chip.pads) if _chip.pads[gpio].function != "none"]


def close_contact(gpio):
    """Connect a pin to ground."""
    assert not _pad(gpio).output, "GP%d is an output" % gpio
    _pad(gpio).outside = 0


def open_contact(gpio):
    """Leave a pin to its pull: a contact that opens, or a wire that breaks."""
    _pad(gpio).outside = None


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
    """Let time pass: bytes leave the UARTs, timers fire, each at its moment."""
    end = _chip.now_us + duration_us
    while True:
        events = [(timer._due_us, 1, timer._fire) for timer in _chip.timers if timer._due_us is not None]
        events += [
            (uart._byte_ends_us, 0, uart._byte_out)
            for uart in _chip.uarts.values()
            if uart._byte_ends_us is not None
        ]
        events = [event for event in events if event[0] <= end]
        if not events:
            break
        moment, _, happen = min(events, key=lambda event: event[:2])
        _chip.now_us = max(_chip.now_us, moment)
        happen()
    _chip.now_us = end


def feed_bytes(uart, content):
    """Let bytes arrive on the RX line of a UART, all at once."""
    port = _chip.uarts[uart]
    for byte in content:
        if len(port._received) < port._rxbuf + 32:
            port._received.append(byte)
        else:
            port._lost += 1


def bytes_lost(uart):
    return _chip.uarts[uart]._lost


def wire_output(uart):
    """Return what has left the TX line of a UART, as (start us, end us, byte)."""
    return _chip.uarts[uart]._wire


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

"""Two MCP3208 on one clock, one chip select and one command line, each with a data line (DS21298).

Mode 0,0: the converters take the command at rising edges and change their data at falling ones. A
conversion, in clocks counted from the start bit: 1 start, 2 single-ended, 3 to 5 the channel, 6 the end
of the sample time; the falling edge after it holds the value and puts out a zero, the next twelve put
out the bits, the highest first, and those after them the bits again from the lowest.
"""

import random
from collections import Counter
from collections.abc import Callable

from rp2040py.gpio_pin import GPIOPinState

from tools.emulator.machine import Machine

# (channel, t_ns) -> the codes of both converters at that instant.
Source = Callable[[int, float], tuple[int, int]]
# (channel, code) -> the code that comes out instead; None: there is no converter.
Way = Callable[[int, int], "int | None"]

TOP_CODE = 4095
_LOW, _HIGH = GPIOPinState.LOW, GPIOPinState.HIGH
_SAMPLED = 6
_ALL_BITS = _SAMPLED + 24  # after the repetition there are zeros only

# At 3.3 V, between the figures for 2.7 V and 5 V (DS21298, table 1).
LEAST_PERIOD_NS = 833.0  # 1.2 MHz
LEAST_HALF_NS = 250.0  # high and low time of the clock
LEAST_SELECT_NS = 100.0  # chip select low before the first rising edge
LEAST_SETUP_NS = 50.0  # command before the rising edge
LEAST_DESELECT_NS = 500.0  # chip select high between two conversions
# The clock that reads an edge stands at the end of an instruction, which may take this long.
_GRAIN_NS = 160.0


def healthy(channel: int, code: int) -> int:
    """A converter that works."""
    return code


def absent(channel: int, code: int) -> None:
    """No converter there: nobody drives the line."""


def stuck(at: int) -> Way:
    """Return the way of a converter that always gives the same code; 0 and 4095: saturated."""
    return lambda channel, code: at


def noisy(lsb: float, seed: int = 1) -> Way:
    """Return the way of a converter with normally distributed noise of `lsb` counts RMS."""
    source = random.Random(seed)
    return lambda channel, code: min(TOP_CODE, max(0, code + round(source.gauss(0.0, lsb))))


class Mcp3208Pair:
    """Both converters. `ways[0]` and `ways[1]` may be replaced at any time.

    `violations` counts what the data sheet does not allow, by its text; empty when all was right.
    While nothing drives a data line it reads as its pull resistor has it, without one as `floats`.
    """

    def __init__(
        self,
        source: Source,
        clock: int = 4,
        cs: int = 5,
        mosi: int = 3,
        data: tuple[int, int] = (6, 7),
        floats: bool = True,
    ) -> None:
        self.source = source
        self.ways: list[Way] = [healthy, healthy]
        self.floats = floats
        self.conversions = 0
        self.aborted = 0  # chip select rose before the last bit
        self.violations: Counter[str] = Counter()
        self.on_conversion: Callable[[float, int], None] | None = None  # (t_ns, channel) as it is held
        self._pins = (clock, cs, mosi, data)
        self._bits = 1 << data[0], 1 << data[1]
        self._selected = False
        self._clocks = 0
        self._command = 0
        self._din = False
        self._port = [0] * (_ALL_BITS + 1)  # what both lines show after each clock
        self._rose_ns = self._fell_ns = self._din_ns = self._cs_ns = -1e9

    def attach(self, machine: Machine) -> None:
        """Connect the five lines."""
        clock, cs, mosi, data = self._pins
        self._chip = machine.chip
        self._time = machine.chip.clock
        self._lines = [machine.pad(pin) for pin in data]
        self._keep = ~(self._bits[0] | self._bits[1])
        self._clock_bit, self._cs_bit, self._mosi_bit = 1 << clock, 1 << cs, 1 << mosi
        # A million edges a second: these pins tell nobody but this object, which keeps what PIO and
        # GPIO_IN read of them up to date in the cheapest way. Interrupts on them would see nothing.
        for pin, action in ((clock, self._clock_changed), (cs, self._cs_changed), (mosi, self._mosi_changed)):
            pad = machine.pad(pin)
            pad._listeners.clear()
            pad.add_listener(action)
        self._let_go()

    def _let_go(self) -> None:
        for pad in self._lines:
            pulled = pad.pullup_enabled or pad.pulldown_enabled
            pad.drive(None if pulled else self.floats)

    def _mosi_changed(self, new: GPIOPinState, old: GPIOPinState) -> None:
        self._din = new is _HIGH
        self._din_ns = self._time.nanos
        chip = self._chip
        chip.gpio_values = chip.gpio_values & ~self._mosi_bit | (self._mosi_bit if self._din else 0)

    def _cs_changed(self, new: GPIOPinState, old: GPIOPinState) -> None:
        now = self._time.nanos
        chip = self._chip
        self._selected = new is _LOW
        if self._selected:
            chip.gpio_values &= ~self._cs_bit
            if now - self._cs_ns < LEAST_DESELECT_NS - _GRAIN_NS:
                self.violations["chip select high for less than 500 ns"] += 1
            if chip.gpio_values & self._clock_bit:
                self.violations["clock high as the chip is selected (mode 0,0 has it low)"] += 1
        else:
            chip.gpio_values |= self._cs_bit
            if 0 < self._clocks < _SAMPLED + 13:
                self.aborted += 1
            self._let_go()
        self._clocks = 0
        self._cs_ns = now

    def _clock_changed(self, new: GPIOPinState, old: GPIOPinState) -> None:
        chip = self._chip
        now = self._time.nanos
        if new is _HIGH:
            chip.gpio_values |= self._clock_bit
            if now - self._rose_ns < LEAST_PERIOD_NS - _GRAIN_NS:
                self.violations["clock faster than 1.2 MHz"] += 1
            if now - self._fell_ns < LEAST_HALF_NS - _GRAIN_NS:
                self.violations["clock low for less than 250 ns"] += 1
            self._rose_ns = now
            if self._selected:
                if self._clocks < 5:
                    self._command_bit(now)
                elif self._clocks < _ALL_BITS:
                    self._clocks += 1
            return
        chip.gpio_values &= ~self._clock_bit
        if new is not _LOW:
            return  # nobody drives it
        if now - self._rose_ns < LEAST_HALF_NS - _GRAIN_NS:
            self.violations["clock high for less than 250 ns"] += 1
        self._fell_ns = now
        if self._selected and self._clocks >= _SAMPLED:
            if self._clocks == _SAMPLED:
                self._hold(now)
            chip.gpio_values = chip.gpio_values & self._keep | self._port[self._clocks]

    def _command_bit(self, now: float) -> None:
        if now - self._din_ns < LEAST_SETUP_NS - _GRAIN_NS:
            self.violations["command changed less than 50 ns before the clock rose"] += 1
        if self._clocks == 0:
            if now - self._cs_ns < LEAST_SELECT_NS - _GRAIN_NS:
                self.violations["selected for less than 100 ns before the clock rose"] += 1
            if not self._din:
                return  # zeros before the start bit are allowed
            self._command = 0
        self._command = self._command << 1 | self._din
        self._clocks += 1
        if self._clocks == 5 and not self._command & 8:
            self.violations["differential conversion"] += 1

    def _hold(self, now: float) -> None:
        channel = self._command & 7
        codes = self.source(channel, now)
        port = [0] * (_ALL_BITS + 1)
        for code, way, bit, pad in zip(codes, self.ways, self._bits, self._lines, strict=True):
            if not 0 <= code <= TOP_CODE:
                raise ValueError(f"a converter of 12 bits has no code {code}")
            shown = way(channel, code)
            if shown is None:  # nobody drives the line: it stays as it floats
                if pad.level():
                    port = [word | bit for word in port]
                continue
            for place in range(12):
                if shown >> (11 - place) & 1:
                    port[_SAMPLED + 1 + place] |= bit
                    port[_SAMPLED + 23 - place] |= bit
        self._port = port
        self.conversions += 1
        if self.on_conversion is not None:
            self.on_conversion(now, channel)

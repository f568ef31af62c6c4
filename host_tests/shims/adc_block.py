"""The RP2040's own converter with its FIFO (datasheet, 4.9), as far as the firmware uses it.

Free-running conversions round the inputs chosen, each with a request for DMA.
"""

_CS, _FCS, _FIFO, _DIV = 0x4004C000, 0x4004C008, 0x4004C00C, 0x4004C010
_CLOCK_MHZ = 48
_SHORTEST = 96  # clocks of a conversion
_DREQ = 36
_DEPTH = 4
_UNDERFLOW, _OVERFLOW = 1 << 10, 1 << 11


class Adc:
    def __init__(self, chip):
        self.channels = 0  # that are analog inputs
        self._chip = chip
        self._control = self._fifo_control = self._divider = 0
        self._flags = 0
        self._fifo = []
        self._channel = 0
        self._due_us = None
        chip.sources.append(self)
        chip.buses.append(self)
        chip.dreqs[_DREQ] = lambda: bool(self._fifo_control & 8 and self._fifo)

    def covers(self, address):
        return _CS <= address < _CS + 0x1000

    def read32(self, address):
        if address == _CS:
            return self._control
        if address == _FCS:
            empty, full = (not self._fifo) << 8, (len(self._fifo) == _DEPTH) << 9
            return self._fifo_control | self._flags | empty | full | len(self._fifo) << 16
        if address == _FIFO:
            if not self._fifo:
                self._flags |= _UNDERFLOW
                return 0
            return self._fifo.pop(0)
        assert address == _DIV, "unexpected read of 0x%08x" % address
        return self._divider

    def write32(self, address, value):
        if address == _FCS:
            self._flags &= ~value
            self._fifo_control = value & ~(_UNDERFLOW | _OVERFLOW)
        elif address == _DIV:
            self._divider = value
        else:
            assert address == _CS, "unexpected write to 0x%08x" % address
            runs = value & 8 and value & 1
            if runs and not self._control & 8:
                self._channel = value >> 12 & 7
                self._due_us = self._chip.now_us + _SHORTEST / _CLOCK_MHZ
            elif not runs:
                self._due_us = None
            self._control = value

    def _period_us(self):
        clocks = (self._divider >> 8) + 1 + (self._divider & 255) / 256
        return max(clocks, _SHORTEST) / _CLOCK_MHZ

    def due_us(self):
        return self._due_us

    def happen(self):
        assert self.channels >> self._channel & 1, (
            "input %d of the converter is no analog pin" % self._channel
        )
        code = self._chip.adc_code(self._channel, self._chip.now_us)
        assert 0 <= code <= 4095
        if self._fifo_control & 1:
            if len(self._fifo) < _DEPTH:
                self._fifo.append(code)
            else:
                self._flags |= _OVERFLOW
        round_robin = self._control >> 16 & 31
        if round_robin:
            self._channel = (self._channel + 1) % 5
            while not round_robin >> self._channel & 1:
                self._channel = (self._channel + 1) % 5
        self._due_us += self._period_us()
        for moved in self._chip.moved:
            moved()

"""A strict model of a 4 x 20 HD44780 display behind a PCF8574: what is on the glass after the bus traffic.

It follows the data sheet: a half byte is taken as Enable falls, RS must have settled before Enable
rises, the 4-bit start-up sequence must come first, and each instruction takes its time.
"""

_RS, _RW, _ENABLE, _BACKLIGHT = 1, 2, 4, 8
_ROWS = (0x00, 0x40, 0x14, 0x54)


class LcdGlass:
    """`now_us` tells the time; `wait_ms` is the sleep that the driver under test is given."""

    def __init__(self):
        self.memory = bytearray(b"\xff" * 0x80)
        self.characters = 0
        self.on = False
        self.backlight = False
        self._now_us = 0
        self._busy_until_us = 40000  # the controller's own reset
        self._port = 0
        self._wakes = 0
        self._four_bits = False
        self._high = None
        self._address = 0

    def wait_ms(self, duration_ms):
        assert isinstance(duration_ms, int) and duration_ms > 0
        self._now_us += duration_ms * 1000

    def text(self):
        """Return the four lines that one reads."""
        assert self.on, "the display is off"
        return ["".join([chr(code) for code in self.memory[at : at + 20]]) for at in _ROWS]

    def port_written(self, byte, byte_us):
        """Take one byte on the port, `byte_us` after the one before."""
        self._now_us += byte_us
        rises = byte & _ENABLE and not self._port & _ENABLE
        falls = self._port & _ENABLE and not byte & _ENABLE
        assert not byte & _RW, "nothing is ever read"
        if rises:
            assert (byte ^ self._port) & _RS == 0, "RS changes as Enable rises"
        if falls:
            assert (byte ^ self._port) & ~_ENABLE == 0, "the port changes as Enable falls"
            self._half(byte >> 4, byte & _RS)
        self._port = byte
        self.backlight = bool(byte & _BACKLIGHT)

    def _half(self, nibble, rs):
        assert self._now_us >= self._busy_until_us, "the controller is still busy"
        if not self._four_bits:
            assert not rs
            if self._wakes < 3:
                assert nibble == 3, "three times 'function set, 8 bits' come first"
                self._wakes += 1
                self._busy(4100 if self._wakes == 1 else 100)
            else:
                assert nibble == 2, "then 4 bits"
                self._four_bits = True
                self._busy(37)
        elif self._high is None:
            self._high = nibble
        else:
            code = self._high << 4 | nibble
            self._high = None
            if rs:
                self._character(code)
            else:
                self._instruction(code)

    def _character(self, code):
        self.memory[self._address] = code
        self._address += 1
        self.characters += 1
        self._busy(41)

    def _instruction(self, code):
        if code & 0x80:
            self._address = code & 0x7F
            self._busy(37)
        elif code == 0x28:  # 4 bits, 2 lines, 5 x 8 dots
            self._busy(37)
        elif code & 0xF8 == 0x08:
            self.on = bool(code & 4)
            self._busy(37)
        elif code == 0x06:  # to the right, no shift
            self._busy(37)
        elif code == 0x01:
            self.memory = bytearray(b" " * 0x80)
            self._address = 0
            self._busy(1520)
        else:
            raise AssertionError("unexpected instruction 0x%02x" % code)

    def _busy(self, duration_us):
        self._busy_until_us = self._now_us + duration_us

"""A 4 x 20 character display: HD44780 behind a PCF8574 on I2C, decoded to text.

Port bits: 0 RS, 1 RW, 2 Enable, 3 backlight, 4 to 7 data. It follows the controller's data sheet: half
bytes are taken as Enable falls, and each instruction takes its time; what comes too early is lost, as it
is on the glass, and recorded.
"""

from collections.abc import Callable

from rp2040py.peripherals.i2c import I2CMode

from tools.emulator.machine import Machine

_RS, _RW, _ENABLE, _BACKLIGHT = 1, 2, 4, 8
_ROWS = (0x00, 0x40, 0x14, 0x54)
_COLUMNS = 20
_POWER_UP_NS = 40e6
_WAKE_NS = (4.1e6, 100e3, 37e3)  # after the first, second and third "function set, 8 bits"
_INSTRUCTION_NS = 37e3
_CHARACTER_NS = 41e3
_CLEAR_NS = 1.52e6


class Display:
    """The display. `present` may be switched off, like a cable pulled out."""

    def __init__(self, bus: int = 1, address: int = 0x27) -> None:
        self.present = True
        self.violations: list[tuple[float, str]] = []
        self.on_change: list[Callable[[], None]] = []
        self.backlight = False
        self.characters = 0
        self._bus_number = bus
        self._address = address
        self._addressed = False
        self._memory = bytearray(b" " * 0x80)
        self._on = False
        self._at = 0
        self._port = 0
        self._wakes = 0
        self._four_bits = False
        self._high: int | None = None
        self._busy_until_ns = _POWER_UP_NS

    @property
    def lines(self) -> list[str]:
        """What one reads, four lines of 20 characters; blank while it is switched off."""
        if not self._on:
            return [" " * _COLUMNS] * len(_ROWS)
        return ["".join(map(chr, self._memory[row : row + _COLUMNS])) for row in _ROWS]

    def attach(self, machine: Machine) -> None:
        """Connect to the bus."""
        self._machine = machine
        self._bus = machine.chip.i2c[self._bus_number]
        self._bus.on_connect = self._connect
        self._bus.on_write_byte = self._written
        self._bus.on_read_byte = lambda acknowledge: self._bus.complete_read(self._port)

    def _connect(self, address: int, mode: I2CMode) -> None:
        self._addressed = self.present and address == self._address
        self._bus.complete_connect(self._addressed)

    def _written(self, value: int) -> None:
        if not (self.present and self._addressed):
            self._bus.complete_write(False)
            return
        before, self._port = self._port, value
        self.backlight = bool(value & _BACKLIGHT)
        if before & _ENABLE and not value & _ENABLE and not before & _RW:
            self._half(before >> 4, bool(before & _RS))
        if ~before & value & _ENABLE and (before ^ value) & _RS:
            self._wrong("RS changes as Enable rises")
        self._bus.complete_write(True)

    def _wrong(self, what: str) -> None:
        self.violations.append((self._machine.now_ns, what))

    def _busy(self, duration_ns: float) -> None:
        self._busy_until_ns = self._machine.now_ns + duration_ns

    def _half(self, nibble: int, character: bool) -> None:
        if self._machine.now_ns < self._busy_until_ns:
            self._wrong("written while the controller is busy")
            return
        if not self._four_bits:
            self._wake(nibble)
        elif self._high is None:
            self._high = nibble
        else:
            code, self._high = self._high << 4 | nibble, None
            if character:
                self._memory[self._at & 0x7F] = code
                self._at = (self._at + 1) & 0x7F
                self.characters += 1
                self._busy(_CHARACTER_NS)
                for listener in self.on_change:
                    listener()
            else:
                self._instruction(code)

    def _wake(self, nibble: int) -> None:
        if nibble == 3:
            self._busy(_WAKE_NS[min(self._wakes, 2)])
            self._wakes += 1
        elif nibble == 2 and self._wakes >= 3:
            self._four_bits = True
            self._busy(_INSTRUCTION_NS)
        else:
            self._wrong(f"half byte {nibble} before the controller is in 4-bit mode")

    def _instruction(self, code: int) -> None:
        self._busy(_INSTRUCTION_NS)
        if code & 0x80:
            self._at = code & 0x7F
        elif code & 0xF0 == 0x20 or code == 0x06:
            pass  # 4 bits, lines, font; to the right without shift
        elif code & 0xF0 == 0x30:  # 8 bits: the start-up sequence once more, after a restart of the box
            self._four_bits, self._wakes = False, 3
        elif code & 0xF8 == 0x08:
            self._on = bool(code & 4)
        elif code in (0x01, 0x02, 0x03):
            if code == 0x01:
                self._memory[:] = b" " * 0x80
            self._at = 0
            self._busy(_CLEAR_NS)
        else:
            self._wrong(f"unexpected instruction 0x{code:02x}")

"""The chip's single-cycle block, with what a MicroPython asks of it all the time answered first.

Half a million divisions a second go through it (each look into a dictionary is one), and rp2040py asks
twenty questions before it comes to the divider, and then divides at each of the two writes.
"""

from typing import Any

from rp2040py.sio import RPSIO

_MASK = 0xFFFFFFFF
_PINS = 0x3FFFFFFF


class Sio:
    """Pins, spin locks and divider; everything else is left to rp2040py's block."""

    def __init__(self, chip: Any) -> None:
        self.rp2040 = chip
        self._rest = RPSIO(chip)
        self.reset()

    def reset(self) -> None:
        """Return to the state after power-on."""
        self._rest.reset()
        self.gpio_value = 0
        self.gpio_output_enable = 0
        self._locks = 0
        self._dividend = 0
        self._divisor = 1
        self._quotient = 0
        self._remainder = 0
        self._signed = False
        self._pending = False  # operands were written, and nobody has asked for the result yet
        self._dirty = False

    def read_uint32(self, offset: int) -> int:
        """Return a register."""
        if offset == 0x78:  # DIV_CSR: always ready
            return 3 if self._dirty else 1
        if 0x70 <= offset <= 0x74:
            if self._pending:
                self._divide()
            if offset == 0x74:
                return self._remainder
            self._dirty = False
            return self._quotient
        if offset == 0x00:  # CPUID
            return 0
        if offset == 0x04:  # GPIO_IN
            return self.rp2040.gpio_values
        if offset >= 0x100:
            lock = 1 << ((offset - 0x100) >> 2)
            if offset > 0x17C or self._locks & lock:
                return 0
            self._locks |= lock
            return lock
        if offset == 0x10:
            return self.gpio_value
        if offset == 0x20:
            return self.gpio_output_enable
        if 0x14 <= offset <= 0x1C or 0x24 <= offset <= 0x2C:
            return 0
        if offset == 0x5C:
            return self._locks
        if 0x60 <= offset <= 0x6C:
            return self._divisor if offset & 4 else self._dividend
        return int(self._rest.read_uint32(offset)) & _MASK

    def write_uint32(self, offset: int, value: int) -> None:
        """Write a register."""
        value &= _MASK
        if 0x60 <= offset <= 0x6C:
            if offset & 4:
                self._divisor = value
            else:
                self._dividend = value
            self._signed = offset >= 0x68
            self._pending = self._dirty = True
        elif 0x10 <= offset <= 0x2C:
            self._write_pins(offset, value)
        elif offset >= 0x100:
            self._locks &= ~(1 << ((offset - 0x100) >> 2))
        elif offset in (0x70, 0x74):
            if self._pending:
                self._divide()
            if offset == 0x70:
                self._quotient = value
            else:
                self._remainder = value
            self._dirty = True
        else:
            self._rest.write_uint32(offset, value)

    def _divide(self) -> None:
        """Form quotient and remainder of the operands that were written last."""
        self._pending = False
        a, b = self._dividend, self._divisor
        if not self._signed:
            self._quotient = a // b if b else _MASK
            self._remainder = a % b if b else a
            return
        a -= (a & 0x80000000) << 1
        b -= (b & 0x80000000) << 1
        if b:
            quotient = abs(a) // abs(b)
            if (a < 0) != (b < 0):
                quotient = -quotient
        else:
            quotient = 1 if a < 0 else -1
        self._quotient = quotient & _MASK
        self._remainder = (a - quotient * b) & _MASK

    def _write_pins(self, offset: int, value: int) -> None:
        """Change outputs or their enables, and tell the pins that change."""
        which = (offset - 0x10) >> 2  # 0 to 3 the levels, 4 to 7 the enables; each: put, set, clear, toggle
        before = self.gpio_output_enable if which & 4 else self.gpio_value
        how = which & 3
        if how == 0:
            after = value
        elif how == 1:
            after = before | value
        elif how == 2:
            after = before & ~value
        else:
            after = before ^ value
        after &= _PINS
        if which & 4:
            self.gpio_output_enable = after
        else:
            self.gpio_value = after
        changed = before ^ after
        number = 0
        while changed:
            if changed & 1:
                self.rp2040.gpio[number].check_for_updates()
            changed >>= 1
            number += 1

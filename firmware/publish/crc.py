"""CRC-16/Modbus (polynomial 0x8005 reflected, start value 0xFFFF), half a byte at a time."""

from array import array

import micropython

# What four steps of one bit make of each value of the low half byte.
_FOUR_STEPS = array(
    "H",
    (0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401)
    + (0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400),
)


@micropython.viper
def crc16(buf: ptr8, n: int) -> int:  # type: ignore[name-defined]
    """Return the CRC of buf[:n]; on the line its low byte goes first. `n` must not exceed the buffer.

    Every intermediate value fits 16 bits, so 32-bit viper never wraps.
    """
    crc = 0xFFFF
    i = 0
    table = ptr16(_FOUR_STEPS)  # type: ignore[name-defined]
    while i < n:
        crc = crc ^ buf[i]
        crc = (crc >> 4) ^ table[crc & 15]
        crc = (crc >> 4) ^ table[crc & 15]
        i += 1
    return crc

"""CRC-16/Modbus (polynomial 0x8005 reflected, start value 0xFFFF), a byte at a time."""

from array import array

import micropython


def _eight_steps(crc: int) -> int:
    for _ in range(8):
        crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


# What eight steps of one bit make of each value of the low byte: 512 bytes for 0.3 us a byte on a Pico.
_EIGHT_STEPS = array("H", [_eight_steps(byte) for byte in range(256)])


@micropython.viper
def crc16(buf: ptr8, n: int) -> int:  # type: ignore[name-defined]
    """Return the CRC of buf[:n]; on the line its low byte goes first. `n` must not exceed the buffer.

    Every intermediate value fits 16 bits, so 32-bit viper never wraps.
    """
    crc = 0xFFFF
    i = 0 - n
    table = ptr16(_EIGHT_STEPS)  # type: ignore[name-defined]
    while i:
        crc = (crc >> 8) ^ table[(crc ^ buf[n + i]) & 0xFF]
        i += 1
    return crc

"""CRC-16/Modbus (polynomial 0x8005 reflected, start value 0xFFFF), a byte at a time without a table.

For this polynomial the table entry of x is x << 6 ^ x << 7, and 0xC001 more where x has an odd number
of bits; so there is nothing to build, to keep in RAM or to load from flash.
"""

import micropython


@micropython.viper
def crc16(buf: ptr8, n: int) -> int:  # type: ignore[name-defined]
    """Return the CRC of buf[:n]; on the line its low byte goes first. `n` must not exceed the buffer.

    Every intermediate value fits 16 bits (x << 7 at most 0x7F80), so 32-bit viper never wraps.
    """
    crc = 0xFFFF
    i = 0
    while i < n:
        x = (crc ^ buf[i]) & 0xFF
        odd = x ^ (x >> 4)
        odd = odd ^ (odd >> 2)
        odd = (odd ^ (odd >> 1)) & 1
        crc = (crc >> 8) ^ (x << 6) ^ (x << 7) ^ (odd * 0xC001)
        i += 1
    return crc

"""The Modbus RTU line in time: how long a character is, and how long a silence ends a frame."""

from micropython import const

# How a character is framed: the codes of the SDM630's register "parity and stop bits".
FORMAT_8N1 = const(0)
FORMAT_8E1 = const(1)
FORMAT_8O1 = const(2)
FORMAT_8N2 = const(3)


def character_bits(line_format: int) -> int:
    """Return the bits of a character: start bit, eight of data, parity if any, stop bits."""
    return 10 if line_format == FORMAT_8N1 else 11


def silence_us(baud: int, line_format: int = FORMAT_8N1) -> int:
    """Return t3.5 in us: 3.5 characters, 1750 us above 19200 baud (Serial Line V1.02, 2.5.1.1)."""
    return 1750 if baud > 19200 else (3500000 * character_bits(line_format) + baud - 1) // baud

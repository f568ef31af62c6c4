"""The Modbus RTU line in time: how long a silence ends a frame."""


def silence_us(baud: int) -> int:
    """Return t3.5 in us: 3.5 characters of 10 bits (8N1), 1750 us above 19200 baud (Serial Line, 2.5.1.1)."""
    return 1750 if baud > 19200 else (35000000 + baud - 1) // baud

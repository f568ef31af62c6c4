"""A Modbus master at the emulated line: requests as bytes, replies checked."""

import struct
from collections.abc import Sequence

from tools import cpython

cpython.install()  # the checksum is the firmware's, which is viper

from firmware.publish.crc import crc16  # noqa: E402
from tools.emulator.devices.rs485 import Exchange  # noqa: E402


class ReplyError(AssertionError):
    """There is no reply, or it is damaged; the text shows it."""


def framed(content: bytes) -> bytes:
    """Return the frame with its CRC."""
    crc = crc16(content, len(content))
    return content + bytes((crc & 0xFF, crc >> 8))


def read_request(start: int, count: int, function: int = 4, unit: int = 1) -> bytes:
    """Return a request to read registers."""
    return framed(struct.pack(">BBHH", unit, function, start, count))


def write_request(start: int, values: Sequence[int], unit: int = 1) -> bytes:
    """Return a request to write holding registers with function 16."""
    head = struct.pack(">BBHHB", unit, 16, start, len(values), 2 * len(values))
    return framed(head + b"".join(struct.pack(">H", value) for value in values))


def checked(exchange: Exchange) -> bytes:
    """Return the reply without its CRC. Raises ReplyError when there is none or it is damaged."""
    reply = bytes(exchange.reply)
    if not exchange.done or exchange.damaged:
        raise ReplyError(f"no whole reply: {exchange}")
    if len(reply) < 5 or framed(reply[:-2]) != reply:
        raise ReplyError(f"the checksum is wrong: {reply.hex()}")
    return reply[:-2]

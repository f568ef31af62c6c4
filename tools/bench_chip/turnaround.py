"""The same master and the same requests for the box and for the peer: when does each reply?"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from firmware.store.settings import SPEC
from tools.emulator.box import register
from tools.emulator.devices.rs485 import Exchange, Rs485Line
from tools.emulator.machine import Machine
from tools.emulator.master import ReplyError, checked, read_request, write_request

# Pauses before the requests, in ms: each comes at another moment of the loop.
PATIENT_MS = [20 + 0.7 * (n % 59) for n in range(100)]
_METERS = 100  # the first of 150 input registers without a gap
_WRITTEN = 10
_FIRST_WRITTEN = "undervoltage_dv"

# What a master asks of the box in a minute, a long read among twenty short ones.
READS = [read_request(_METERS, 125 if n == 19 else (1, 2, 5, 10)[n % 4]) for n in range(20)]


@dataclass(frozen=True)
class Stream:
    """The same request again and again."""

    name: str
    request: bytes
    count: int  # registers
    of_peer: bytes = b""  # what the peer is asked for instead, where it lacks these registers


def _defaults() -> list[int]:
    """Return what ten settings are by default: writing them stages them and changes nothing."""
    first = [spec[0] for spec in SPEC].index(_FIRST_WRITTEN)
    return [spec[1] for spec in SPEC[first : first + _WRITTEN]]


STREAMS = (
    Stream("FC03 x1", read_request(register("soc"), 1, 3), 1),
    Stream("FC04 x20", read_request(_METERS, 20), 20),
    Stream("FC04 x125", read_request(_METERS, 125), 125),
    Stream("FC16 x10", write_request(register(_FIRST_WRITTEN), _defaults()), _WRITTEN),
)
# Settings that switch all profiles on: both meters as an SDM630 and as a SunSpec meter.
PROFILES = {"sdm_grid_address": 2, "sdm_pv_address": 3, "sunspec_grid_address": 4, "sunspec_pv_address": 5}
PROFILE_STREAMS = (
    Stream("SDM630 x40 floats", read_request(0, 80, 4, unit=2), 80, read_request(_METERS, 80)),
    Stream("SunSpec x125", read_request(40000, 125, 3, unit=4), 125, read_request(1000, 125, 3)),
)


def check_reply(exchange: Exchange) -> None:
    """Raise ReplyError unless the reply is whole and the one that the request asked for."""
    request, reply = exchange.request, checked(exchange)
    if request[1] == 16:
        right = reply == request[:6]
    else:
        count = struct.unpack_from(">H", request, 4)[0]
        right = reply[:3] == bytes((*request[:2], 2 * count)) and len(reply) == 3 + 2 * count
    if not right:
        raise ReplyError(f"not the reply to {request.hex()}: {reply.hex()}")


def ask_each(
    machine: Machine, line: Rs485Line, requests: Sequence[bytes], pauses_ms: Sequence[float]
) -> list[Exchange]:
    """Ask once after each pause, the requests in turn; return the exchanges. Raises ReplyError."""
    exchanges = []
    for n, pause_ms in enumerate(pauses_ms):
        machine.run(pause_ms / 1000)
        exchange = line.ask(requests[n % len(requests)])
        check_reply(exchange)
        exchanges.append(exchange)
    return exchanges

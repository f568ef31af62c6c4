"""Lowest, mean and highest code of every channel over a time, from the driver that the box samples with."""

import gc
from array import array

import micropython

from firmware.acquire.layout import BLOCK_WORDS, SLOTS
from tools.board_checks.on_board.board import pin_map, pins, tell, ticks_diff, ticks_ms, ticks_us

_PATIENCE_MS = 100  # a block comes every 2.5 ms
PACKED_WORDS = 24  # a block of 64 codes of 12 bits


def _make_sampler():
    gc.collect()  # the ring is large
    if pin_map.FRONT_END == "mcp3208":
        from firmware.hardware.mcp3208_rp2 import Mcp3208Sampler

        return Mcp3208Sampler(pins, ticks_us)
    from firmware.hardware.adc_rp2 import AdcSampler

    return AdcSampler(ticks_us)


def measure(blocks):
    """Tell (low, mean, high) of the channels of converter A, then of B, and how many blocks came."""
    sampler = _make_sampler()
    ring = sampler.ring
    came = array("i", (0,))
    rows = [_row(), _row()]

    def on_block(_number):
        came[0] += 1

    sampler.start(on_block)
    taken = 0
    last_ms = ticks_ms()
    try:
        while taken < blocks and ticks_diff(ticks_ms(), last_ms) < _PATIENCE_MS:
            if came[0] > taken:
                if ring.packed_depth:
                    at = taken % ring.packed_depth * PACKED_WORDS
                    _add_packed(ring.packed[0], at, rows[0])
                    _add_packed(ring.packed[1], at, rows[1])
                else:
                    at = taken % ring.depth * BLOCK_WORDS
                    _add(ring.a, at, rows[0])
                    _add(ring.b, at, rows[1])
                taken += 1
                last_ms = ticks_ms()
    finally:
        sampler.stop()
    scans = 8 * max(taken, 1)
    found = [
        (row[3 * slot], row[3 * slot + 1] / scans, row[3 * slot + 2]) for row in rows for slot in range(SLOTS)
    ]
    tell(blocks=taken, channels=found, restarts=sampler.restarts)


def _row():
    return array("i", (65535, 0, 0) * SLOTS)


@micropython.viper
def _add(words: ptr16, at: int, row: ptr32):  # type: ignore
    slot = 0
    while slot < 8:
        low, total, high = row[3 * slot], row[3 * slot + 1], row[3 * slot + 2]
        scan = 0
        while scan < 8:
            code = words[at + 8 * scan + slot]
            total += code
            if code < low:
                low = code
            if code > high:
                high = code
            scan += 1
        row[3 * slot] = low
        row[3 * slot + 1] = total
        row[3 * slot + 2] = high
        slot += 1


@micropython.viper
def _add_packed(words: ptr32, at: int, row: ptr32):  # type: ignore
    """Do the same with a block of packed codes, the first in the topmost bits of the first word."""
    n = 0
    while n < 64:
        word = at + (12 * n >> 5)
        bit = 12 * n & 31
        if bit <= 20:
            code = (words[word] >> (20 - bit)) & 0xFFF
        else:
            code = (words[word] << (bit - 20)) & 0xFFF
            code |= (words[word + 1] >> (52 - bit)) & ((1 << (bit - 20)) - 1)
        slot = n & 7
        row[3 * slot + 1] = row[3 * slot + 1] + code
        if code < row[3 * slot]:
            row[3 * slot] = code
        if code > row[3 * slot + 2]:
            row[3 * slot + 2] = code
        n += 1

"""Lowest, mean and highest code of every channel over a time, from the driver that the box samples with."""

import gc
from array import array

import micropython

from firmware.acquire.layout import BLOCK_WORDS, SLOTS
from tools.board_checks.on_board.board import pin_map, pins, tell, ticks_diff, ticks_ms, ticks_us

_PATIENCE_MS = 100  # a block comes every 2.5 ms


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
                at = taken % sampler.ring.depth * BLOCK_WORDS
                _add(sampler.ring.a, at, rows[0])
                _add(sampler.ring.b, at, rows[1])
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

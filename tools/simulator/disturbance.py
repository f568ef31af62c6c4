"""Disturbances of the grid voltage within a cycle, written into the samples of a block. Portable."""

import math

from firmware.acquire.layout import MID_CODE, SCANS, SLOTS, TOP_CODE
from tools.simulator.plant import SCAN_MS


def notch(ring, base: int, start_ms: float, at_ms: float, length_ms: float, phases=(0, 1, 2)) -> None:
    """Hold the grid voltage at zero from `at_ms` on; the block's first scan is at `start_ms`."""
    for row, _late_ms in _rows(start_ms, at_ms, length_ms):
        for phase in phases:
            ring.a[base + row * SLOTS + phase] = MID_CODE


def spike(ring, base: int, start_ms: float, at_ms: float, length_ms: float, peak: int) -> None:
    """Add `peak` counts to the grid voltages, away from zero, clipped as the converter does."""
    for row, _late_ms in _rows(start_ms, at_ms, length_ms):
        for phase in range(3):
            place = base + row * SLOTS + phase
            up = ring.a[place] >= MID_CODE
            ring.a[place] = min(TOP_CODE, max(0, ring.a[place] + (peak if up else -peak)))


def _rows(start_ms: float, at_ms: float, length_ms: float):
    """Yield the rows of the block that lie in the span, and how long after its begin."""
    for row in range(SCANS):
        late_ms = start_ms + row * SCAN_MS - at_ms
        if 0 <= late_ms < length_ms:
            yield row, late_ms


def flicker(t_ms: float, depth: float, hz: float) -> float:
    """Return the factor of a voltage that varies by `depth` in all (0.1: from 0.95 to 1.05)."""
    return 1.0 + depth / 2 * math.sin(2 * math.pi * hz * t_ms / 1000)

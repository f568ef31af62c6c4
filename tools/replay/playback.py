"""The box's converters, and a real firmware box that is fed from them and read through its registers."""

from array import array
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from tools.replay.recording import Samples
from tools.replay.resample import LEAD_S, SCAN_HZ

Codes = NDArray[np.uint16]

NAMES = ("voltage", "current", "active_power", "apparent_power", "power_factor")
_BITS_PEAK = 2048
_TOP = 4095
_SEED = 20240229


def convert(values: Samples, full_scale: float, noise_lsb: float, stream: int) -> tuple[Codes, int]:
    """Return the 12-bit codes of a signal around mid-scale, and how many had to be clipped.

    `full_scale` is the peak that deflects fully, in the unit of `values`. `noise_lsb` counts RMS of
    white noise from a fixed seed are added before rounding; each `stream` has its own noise.
    """
    noise = np.random.default_rng([_SEED, stream]).standard_normal(len(values)) * noise_lsb
    codes = np.rint(values / full_scale * _BITS_PEAK + noise) + _BITS_PEAK
    clipped = int(np.count_nonzero((codes < 0) | (codes > _TOP)))
    return np.clip(codes, 0, _TOP).astype(np.uint16), clipped


def play(volt_codes: Codes, ampere_codes: Codes, phase: int) -> SimpleNamespace:
    """Feed a box block by block into `phase` (0 to 2), the rest at mid-scale; return what it gave.

    The result has a list for each of `NAMES`, and `frequency`: the registers in their units, read once
    for every window, and `end_s`: when each window ended, counted from the start of the recording.
    """
    from firmware.acquire.layout import BLOCK_US, BLOCK_WORDS, SCANS, SLOTS
    from firmware.box import Box
    from firmware.ticks import PERIOD
    from tools.simulator.board import MemoryStorage, SimBoard
    from tools.simulator.line import Line
    from tools.simulator.plant import Plant

    board = SimBoard(Plant(lambda t_ms, fields: None), MemoryStorage(), Line(), lambda name, on: None, True)
    box = Box(board)
    ring = board.sampler.ring
    board.sampler.start(box.front_end.on_block)
    registers = Registers(box, [f"grid_{name}_l{phase + 1}" for name in NAMES] + ["grid_frequency"])
    readings: list[list[float]] = []
    ends: list[float] = []
    windows = box.meter.count
    now_us = 0
    for block in range(len(volt_codes) // SCANS):
        base = board.sampler.number % ring.depth * BLOCK_WORDS + phase
        scans = slice(block * SCANS, (block + 1) * SCANS)
        words = slice(base, base + BLOCK_WORDS - phase, SLOTS)
        ring.a[words] = array("H", volt_codes[scans].tolist())
        ring.b[words] = array("H", ampere_codes[scans].tolist())
        board.sampler.finish_block()
        now_us = (now_us + BLOCK_US) % PERIOD
        board.port.step(now_us)
        box.step(now_us)
        if box.meter.count != windows:
            windows = box.meter.count
            readings.append(registers.read())
            ends.append((block + 1) * SCANS / SCAN_HZ - LEAD_S)
    columns = [list(column) for column in zip(*readings, strict=True)]
    return SimpleNamespace(end_s=ends, **dict(zip((*NAMES, "frequency"), columns, strict=True)))


class Registers:
    """Some of a box's input registers, by their names in the register table."""

    def __init__(self, box, names: list[str]) -> None:
        from tools.register_list import describe

        table = {entry[0]: entry for entry in describe()}
        self._map = box.slave.registers
        self._entries = [table[name] for name in names]

    def read(self) -> list[float]:
        """Return the present values in their units."""
        from firmware.publish.register_map import INPUT
        from tools.register_list import decode

        values = []
        for name, address, _table, kind, words, scale, *_rest in self._entries:
            content = bytearray(2 * words)
            if self._map.read(INPUT, address, words, content, 0):
                raise LookupError(f"the box does not serve {name} at {address}")
            values.append(decode(kind, content) * scale)
        return values

"""The detector alone, without a box: many trials in little time. Portable."""

from firmware.acquire.calibration import Calibration
from firmware.acquire.layout import BLOCK_WORDS, SCANS, Ring
from firmware.store.settings import defaults
from firmware.supervise.front_end import FrontEnd
from tools.simulator.plant import SCAN_MS, Plant

BLOCK_MS = 2.5


class DetectorBench:
    """Plant and front end without a box: a trip is only noted, so that the next trial can follow at once."""

    def __init__(self, hz=50.0, noise_lsb=1.0, harmonics=None):
        self.plant = Plant(lambda t_ms, fields: None)
        self.plant.set({"grid_hz": hz, "noise_lsb": noise_lsb, "harmonics": harmonics or {}})
        self.ring = Ring()
        self.front = FrontEnd(self.ring, Calibration())
        self.front.watch.set_limits(defaults(), self.front.calibration)
        self.front.open_grid = self._tripped
        self.tripped_ms = None
        self.alter = None  # alter(ring, base, start_ms), after the samples are made
        self.number = 0
        self.t_ms = 0.0
        self.changes = []
        self.run(300.0)

    def _tripped(self):
        self.tripped_ms = self.t_ms

    def run(self, ms):
        """Run whole blocks for at least `ms`."""
        end_ms = self.t_ms + ms
        while self.t_ms < end_ms:
            self.block()

    def block(self):
        """Run one block, with the changes `(t_ms, step)` that fall due in it."""
        start_ms = self.t_ms
        base = self.number % self.ring.depth * BLOCK_WORDS
        for row in range(SCANS):
            at_ms = start_ms + row * SCAN_MS
            while self.changes and self.changes[0][0] <= at_ms:
                self.plant.set(self.changes.pop(0)[1])
            self.plant.advance(at_ms)
            self.plant.fill(self.ring.a, self.ring.b, base, row, row + 1)
        if self.alter:
            self.alter(self.ring, base, start_ms)
        self.t_ms = start_ms + BLOCK_MS
        self.front.on_block(self.number)
        self.number += 1

    def trial(self, changes, ms):
        """Arm, apply `changes` `(after_ms, step)` counted from now, run; return the trip's delay or None."""
        self.tripped_ms = None
        self.front.watch.arm()
        begin_ms = self.t_ms
        self.changes = [(begin_ms + after_ms, step) for after_ms, step in changes]
        self.run(ms)
        reason = self.front.watch.trip_reason, self.front.watch.trip_phase
        tripped_ms = self.tripped_ms
        self.front.watch.disarm()
        return (None if tripped_ms is None else tripped_ms - begin_ms - changes[0][0]), reason

"""What runs in the sampling interrupt, in its order: sums, detector, levels, judgement, windows.

Integers only, nothing allocated, no exception: one raised here would end the interrupt for good.
"""

from array import array

from micropython import const

from firmware.acquire.calibration import Calibration
from firmware.acquire.layout import BLOCK_WORDS, CYCLE_BLOCKS, NUMBERS, QUARTER_BLOCKS, Ring
from firmware.measure.compare import compare_cycle
from firmware.measure.kernel import SUMS, sum_block
from firmware.measure.levels import Levels
from firmware.measure.meter import Meter
from firmware.measure.phasor import Phasors
from firmware.measure.window import Windows
from firmware.supervise.watch import Watch

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from collections.abc import Callable


class FrontEnd:
    """Everything measured: `watch` judges the grid, `meter` holds the readings, `levels` the voltages.

    `on_block` is the interrupt's whole work; `open_grid`, set by the app, is what it calls to trip.
    """

    def __init__(self, ring: Ring, calibration: Calibration, phases: int = 3) -> None:
        self.blocks = 0  # processed; the watchdog wants to see it advance
        self.lost_blocks = 0
        self.open_grid: Callable[[], None] | None = None
        self.calibration = calibration
        self.levels = Levels()
        self.watch = Watch(self.levels.half, self.levels.level, phases)
        self._windows = Windows()
        self._phasors = Phasors()
        self.meter = Meter(self._windows, self._phasors, self.levels, calibration, phases)
        self._ring = ring
        self._sums = array("i", [0] * SUMS)
        self._expected = 0

    def on_block(self, number: int) -> None:
        """Take block `number` (counted by the sampler, wraps at `layout.NUMBERS`) out of the ring."""
        if number != self._expected:
            self.lost_blocks = (self.lost_blocks + (number - self._expected) % NUMBERS) & 0x3FFFFFFF
        self._expected = (number + 1) % NUMBERS
        ring = self._ring
        depth = ring.depth
        at = number % depth
        now = at * BLOCK_WORDS
        sums = self._sums
        sum_block(ring.a, ring.b, now, (at + depth - QUARTER_BLOCKS) % depth * BLOCK_WORDS, sums)
        watch = self.watch
        before = (at + depth - CYCLE_BLOCKS) % depth * BLOCK_WORDS
        compare_cycle(ring.a, now, before, self.levels.rest, watch.neutral, watch.row)
        self.levels.update(sums, number)
        if watch.judge(1) and self.open_grid is not None:
            self.open_grid()
        self._windows.add(sums)
        self._phasors.add(sums)
        self.blocks = (self.blocks + 1) & 0x3FFFFFFF

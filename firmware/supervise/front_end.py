"""What runs in the sampling interrupt, in its order: sums, a look at the voltages, windows.

Only where the look finds a voltage that is not sound do the detector and the judgement follow. Integers
only, nothing allocated, no exception: one raised here would end the interrupt for good.
"""

# mypy: disable-error-code="name-defined"

import micropython
from micropython import const

from firmware.acquire.calibration import Calibration
from firmware.acquire.layout import Ring
from firmware.measure.compare import compare_cycle
from firmware.measure.levels import Levels
from firmware.measure.look import look
from firmware.measure.memory import Memory
from firmware.measure.meter import Meter
from firmware.measure.phasor import Phasors, end_cycle
from firmware.measure.window import Windows, begin_hop
from firmware.supervise.watch import Watch, judge_grid

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from collections.abc import Callable

# As in memory.py, layout.py and window.py.
_BLOCK = const(48)
_DEPTH = const(4)
_NUMBER = const(5)
_NOW = const(6)
_QUARTER = const(7)
_BEFORE = const(8)
_EXPECTED = const(9)
_BLOCKS = const(10)
_LOST = const(11)
_CYCLE_POSITION = const(12)
_HOP_POSITION = const(14)
_PACKED = const(1308)
_PACKED_DEPTH = const(4)
_PACKED_AT = const(5)
_NUMBERS = const(1073741760)
_PACKED_BYTES = const(96)
_BLOCK_BYTES = const(128)
_HOP_BLOCKS = const(40)


class FrontEnd:
    """Everything measured: `watch` judges the grid, `meter` holds the readings, `levels` the voltages.

    `on_block` is the interrupt's whole work; `open_grid`, set by the app, is what it calls to trip.
    `kernel` is the board's own form of the module measure/kernel.py.
    """

    def __init__(self, ring: Ring, calibration: Calibration, phases: int = 3, kernel=None) -> None:
        if kernel is None:
            from firmware.measure import kernel
        self._sum_block = kernel.sum_block
        self._accumulate = kernel.accumulate
        self.open_grid: Callable[[], None] = _nothing
        self.calibration = calibration
        self.memory = memory = Memory()
        self._address = memory.address
        self._ring = ring
        memory.set_ring(ring)
        self.levels = Levels(memory)
        self.watch = Watch(memory, phases)
        self.meter = Meter(Windows(memory), Phasors(memory), self.levels, calibration, phases)

    @property
    def blocks(self) -> int:
        """Blocks taken, modulo 2^30; the watchdog wants to see it advance."""
        return self.memory.words[_BLOCK + _BLOCKS]

    @property
    def lost_blocks(self) -> int:
        """Blocks that never came, modulo 2^30."""
        return self.memory.words[_BLOCK + _LOST]

    @micropython.viper
    def on_block(self, number: int):
        """Take block `number` (counted by the sampler, wraps at `layout.NUMBERS`) out of the ring."""
        memory = self._address
        words = ptr32(int(memory) + 4 * _BLOCK)
        words[_LOST] = (words[_LOST] + (number - words[_EXPECTED]) % _NUMBERS) & 0x3FFFFFFF
        words[_EXPECTED] = (number + 1) % _NUMBERS
        words[_NUMBER] = number
        depth = words[_DEPTH]
        number = number % depth
        # A quarter of a cycle is two blocks, a cycle is eight.
        words[_QUARTER] = (number + depth - 2) % depth * _BLOCK_BYTES
        words[_BEFORE] = (number + depth - 8) % depth * _BLOCK_BYTES
        now = number * _BLOCK_BYTES
        words[_NOW] = now
        packed = ptr32(int(memory) + 4 * _PACKED)
        depth = packed[_PACKED_DEPTH]
        if depth:
            packed[_PACKED_AT] = words[_NUMBER] % depth * _PACKED_BYTES

        self._sum_block(now, memory)
        if look(memory):
            compare_cycle(memory)
            if judge_grid(memory, 1):
                self.open_grid()
        self._accumulate(memory)
        if words[_CYCLE_POSITION] & 7 == 0:
            end_cycle(memory)
        if words[_HOP_POSITION] == _HOP_BLOCKS:
            begin_hop(memory)
        words[_BLOCKS] = (words[_BLOCKS] + 1) & 0x3FFFFFFF


def _nothing() -> None:
    """Stand for the trip until the app has set one."""

"""A made-up grid for the bench: no converter, no mains; relays, RS485 and display run on it.

The samples are computed block by block in the same interrupt that takes them from a converter on the
other boards, so that everything behind it is the real thing. `play` lets the grid fail.
"""

from array import array

from micropython import const

from firmware.acquire.layout import BLOCK_WORDS, RING_BLOCKS, Ring
from firmware.acquire.synthetic import CURRENT, NOMINAL, SCENES, SOUND, WORDS, sine_table, synthesise
from firmware.hardware.sampling_rp2 import BlockSource

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from typing import Any


class SyntheticSampler:
    """The bench front end: grid as played, backup output always sound, load bus as the coils say."""

    def __init__(self, coils, ticks_us) -> None:
        self.ring = Ring()
        self.scene = SOUND
        self._coils = coils
        self._ticks_us = ticks_us
        self._on_block: Any = None
        self._table = sine_table()
        self._now = array("i", [0] * WORDS)
        for n in range(3):
            self._now[8 + n] = NOMINAL
        self._source = BlockSource((), (), RING_BLOCKS, 2 * BLOCK_WORDS)
        self.play(SOUND)

    def play(self, scene: int) -> None:
        """Let the grid be as in `scene` (signals.BENCH_NAMES); ValueError for one that there is not."""
        if not 0 <= scene < len(SCENES):
            raise ValueError("scenes are 0 to %d, not %d" % (len(SCENES) - 1, scene))
        step, peaks = SCENES[scene]
        now = self._now
        for n in range(3):
            now[2 + n] = peaks[n]
        now[1] = step
        self.scene = scene

    def start(self, on_block) -> None:
        """Begin to sample; `on_block(number)` is called in a hard interrupt for every block."""
        self._on_block = on_block
        self._source.start(self._take, self._ticks_us())

    def _take(self, number: int) -> None:
        mask = self._coils.mask
        now = self._now
        for n in range(3):
            grid = mask & 1
            now[5 + n] = now[2 + n] if grid else (NOMINAL if mask >> (n + 1) & 1 else 0)
            now[11 + n] = CURRENT if grid and now[2 + n] else 0
        synthesise(self.ring.a, self.ring.b, number % RING_BLOCKS * BLOCK_WORDS, self._table, now)
        self._on_block(number)

    def stop(self) -> None:
        """Stop sampling."""
        self._source.stop()

    def check(self, now_us: int) -> None:
        """Nothing here can get out of step."""
        self._source.check(now_us)

    @property
    def restarts(self) -> int:
        """Always 0: there is nothing to start anew."""
        return self._source.restarts

"""A bare Pico as a single-phase front end: V1, I1 and B1 by the RP2040's own converter.

The converter goes round its three inputs 12800 times a second (38400 conversions of 12 bits, paced by
its own divider); four rounds make a scan. DMA keeps the results in a ring deep enough for a flash erase;
the interrupt folds each block into the layout that the kernel reads (acquire/rounds.py).
"""

from array import array

from machine import ADC, mem32
from micropython import const

from firmware.acquire.layout import BLOCK_WORDS, RAW_BLOCKS, RING_BLOCKS, Ring
from firmware.acquire.rounds import BLOCK_CONVERSIONS, fold
from firmware.hardware.sampling_rp2 import BlockSource, RingDma

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from typing import Any

# RP2040 datasheet, 4.9.6.
_CS, _FCS, _FIFO, _DIV = 0x4004C000, 0x4004C008, 0x4004C00C, 0x4004C010
_DREQ_ADC = const(36)
_ENABLE = const(1)
_START_MANY = const(1 << 3)
_THREE_INPUTS = const(7 << 16)
_FIFO_ENABLE = const(1)
_DREQ_ENABLE = const(1 << 3)
_THRESHOLD_ONE = const(1 << 24)
_FIFO_FLAGS = const(3 << 10)  # overflow and underflow; written ones clear
_OVERFLOW = const(1 << 11)
_DIVIDER = const(1249 << 8)  # 48 MHz / 1250 = 38400 conversions a second


class AdcSampler:
    """The bare-Pico front end; the inputs are GP26, GP27 and GP28."""

    def __init__(self, ticks_us) -> None:
        self.ring = Ring()
        self._raw = array("H", bytes(2 * BLOCK_CONVERSIONS * RAW_BLOCKS))
        self._last = array("i", (2048,))
        self._ticks_us = ticks_us
        self._on_block: Any = None
        for channel in range(3):
            ADC(channel)  # the pin becomes an analog input
        self._dma = RingDma(self._raw, _FIFO, _DREQ_ADC)
        self._source = BlockSource((self._dma,), (), RAW_BLOCKS, 2 * BLOCK_CONVERSIONS, self._convert)
        self._set_up()

    def _set_up(self) -> None:
        """Stop the converter, empty its FIFO, and let the next round begin at V1."""
        mem32[_CS] = _ENABLE
        mem32[_FCS] = _FIFO_ENABLE | _DREQ_ENABLE | _THRESHOLD_ONE | _FIFO_FLAGS
        while mem32[_FCS] >> 16 & 15:
            mem32[_FIFO]
        mem32[_DIV] = _DIVIDER

    def start(self, on_block) -> None:
        """Begin to sample; `on_block(number)` is called in a hard interrupt for every block."""
        self._on_block = on_block
        self._source.start(self._take, self._ticks_us())

    def _convert(self) -> None:
        mem32[_CS] = _ENABLE | _START_MANY | _THREE_INPUTS

    def _take(self, number: int) -> None:
        at = number % RAW_BLOCKS * BLOCK_CONVERSIONS
        to = number % RING_BLOCKS * BLOCK_WORDS
        fold(self._raw, at, self.ring.a, self.ring.b, to, self._last)
        self._on_block(number)

    def stop(self) -> None:
        """Stop sampling."""
        self._source.stop()
        mem32[_CS] = _ENABLE

    def check(self, now_us: int) -> None:
        """Start anew when a conversion was lost, because the inputs would be mixed up from then on."""
        if not self._source.check(now_us) or mem32[_FCS] & _OVERFLOW:
            self.stop()
            self._set_up()
            self._source.restart()

    @property
    def restarts(self) -> int:
        """How often sampling had to be started anew."""
        return self._source.restarts

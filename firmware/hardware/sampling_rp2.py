"""What the samplers of an RP2040 share: DMA into a ring, and the interrupt that takes blocks out of it.

A state machine of PIO 0 counts out the blocks of 2.5 ms and raises a hard interrupt. That interrupt is
only the request to look: how far the ring is filled is read from the DMA channel that fills it. So one
that comes late (a flash erase keeps all of them away for up to 400 ms) finds every block that came
meanwhile, in order, and one that comes too early does nothing.
"""

from array import array

import machine
import micropython
import rp2
from machine import mem32
from micropython import const

from firmware import ticks
from firmware.acquire.layout import BLOCK_US, NUMBERS
from firmware.hardware.board import BoardError
from firmware.hardware.pio_sampling import PIO_HZ, SYSTEM_HZ, block_clock

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from typing import Any

BLOCK_MACHINE = const(3)

# Addresses above 2^30 are objects, made when the module loads. RP2040 datasheet, 3.7 and 2.5.7.
_PIO0_CTRL = 0x50200000
_PIO0_FDEBUG = 0x50200008
_DMA = 0x50000000
_DMA_CHANNEL = const(0x40)
_WRITE_ADDR_TRIG = const(0x2C)
_NOT_PACED = const(0x3F)
_CHECK_US = const(100000)

# The interrupt's words: next block number, its place in the ring, blocks in the ring, bytes of a block,
# interrupts that found nothing new.
_NUMBER = const(0)
_PLACE = const(1)
_DEPTH = const(2)
_BYTES = const(3)
_EARLY = const(4)


def check_clock() -> None:
    """Refuse a system clock with which there would not be exactly 3200 scans a second."""
    if machine.freq() != SYSTEM_HZ:
        raise BoardError("the system clock is %d Hz, sampling needs %d Hz" % (machine.freq(), SYSTEM_HZ))


def _channel() -> "Any":  # the stubs do not know its attributes
    return rp2.DMA()


class RingDma:
    """Fills `buffer` round and round from a FIFO at address `source`, paced by `request`.

    Its items are halfwords (`size` 1) or words (2).

    A second channel writes the start of the buffer into the first whenever that has reached the end:
    no processor is needed for it, and nothing is ever written outside the buffer.
    """

    def __init__(self, buffer: array, source: int, request: int, size: int = 1) -> None:
        self.data = _channel()
        self._again = _channel()
        self.data.config(
            read=source,
            write=buffer,
            count=len(buffer),
            ctrl=self.data.pack_ctrl(
                size=size, inc_read=False, treq_sel=request, chain_to=self._again.channel, irq_quiet=True
            ),
        )
        self.start = self.data.write
        self._word = array("I", (self.start,))
        self._again.config(
            read=self._word,
            write=_DMA + _DMA_CHANNEL * self.data.channel + _WRITE_ADDR_TRIG,
            count=1,
            ctrl=self._again.pack_ctrl(
                size=2, inc_read=False, inc_write=False, treq_sel=_NOT_PACED, irq_quiet=True
            ),
        )

    def run(self) -> None:
        """Fill from the start of the buffer on."""
        self._again.active(1)

    def stop(self) -> None:
        """Stop both channels: first the one that would start the other again."""
        self._again.active(0)
        self.data.active(0)


class BlockSource:
    """Hands each new block to a handler, in a hard interrupt that allocates nothing.

    `dmas` fill rings of `depth` blocks of `block_bytes` bytes, the first one is looked at; without any,
    each interrupt is one block. `machines` are the state machines of PIO 0 that convert: they start in
    the same cycle as the block clock. `convert` starts a converter of another kind, right before the clock:
    after it, every interrupt would come just before its block is complete, and find it one block late.
    """

    def __init__(self, dmas: tuple, machines: tuple, depth: int, block_bytes: int, convert=None) -> None:
        check_clock()
        self._dmas = dmas
        self._dma: Any = dmas[0].data if dmas else None
        self._start = dmas[0].start if dmas else 0
        self._machines = machines
        self._convert = convert
        self._state = array("i", (0, 0, depth, block_bytes, 0))
        self._on_block: Any = None
        self._clock = rp2.StateMachine(BLOCK_MACHINE, block_clock, freq=PIO_HZ)
        self._stalls = 0
        for number in machines:
            self._stalls |= 1 << number
        self._checked_us = -1
        self._seen = 0
        self.restarts = 0

    @property
    def early(self) -> int:
        """Interrupts that found no new block."""
        return self._state[_EARLY]

    def start(self, on_block, now_us: int) -> None:
        """Begin to sample; `on_block(number)` is called for every block from now on."""
        self._on_block = on_block
        self._run()
        self._checked_us = now_us
        self._seen = self._state[_NUMBER]

    def _run(self) -> None:
        self._clock.init(block_clock, freq=PIO_HZ)  # at the start of its count
        self._clock.irq(self._look if self._dmas else self._tick, hard=True)
        for dma in self._dmas:
            dma.run()
        if self._convert is not None:
            self._convert()
        # One store enables all of them and restarts their clock dividers: from here on they are in step.
        enabled = self._stalls | 1 << BLOCK_MACHINE
        mem32[_PIO0_FDEBUG] = self._stalls  # written ones clear
        mem32[_PIO0_CTRL] = enabled | enabled << 8

    def stop(self) -> None:
        """Stop sampling; no handler is called any more."""
        mem32[_PIO0_CTRL] = 0
        self._clock.irq(None)
        for dma in self._dmas:
            dma.stop()

    def check(self, now_us: int) -> bool:
        """Look after what the interrupt cannot see; False when the machines must be set up anew.

        To be called in every turn of the loop. A stop of all interrupts for longer than the ring is deep
        shows only in the time: the number jumps by what was overwritten, so that it is counted as lost.
        A full FIFO would mean that the two converters are out of step.
        """
        elapsed = ticks.diff(now_us, self._checked_us)
        if elapsed < _CHECK_US:
            return True
        state = self._state
        number = state[_NUMBER]
        progress = (number - self._seen) % NUMBERS
        self._checked_us = now_us
        missing = elapsed // BLOCK_US - progress
        depth = state[_DEPTH]
        if self._dmas and missing >= depth - 1:
            number = (number + (missing + depth // 2) // depth * depth) % NUMBERS
            state[_NUMBER] = number
        self._seen = number
        return not mem32[_PIO0_FDEBUG] & self._stalls

    def restart(self) -> None:
        """Start the rings and machines, set up anew by the caller, from the beginning."""
        state = self._state
        depth = state[_DEPTH]
        state[_NUMBER] = (state[_NUMBER] // depth + 1) * depth % NUMBERS
        state[_PLACE] = 0
        self._seen = state[_NUMBER]
        self.restarts += 1
        self._run()

    @micropython.viper
    def _look(self, _machine):  # type: ignore
        state = ptr32(self._state)  # type: ignore[name-defined]
        place = (int(self._dma.write) - int(self._start)) // state[3]
        if place >= state[2]:
            place = 0  # the end was reached; the other channel is about to set it back
        at = state[1]
        if at == place:
            state[4] = (state[4] + 1) & 0x3FFFFFF
        while at != place:
            number = state[0]
            self._on_block(number)
            number += 1
            if number == 1073741760:  # layout.NUMBERS
                number = 0
            state[0] = number
            at += 1
            if at == state[2]:
                at = 0
            state[1] = at

    def _tick(self, _machine) -> None:
        state = self._state
        number = state[_NUMBER]
        self._on_block(number)
        number += 1
        state[_NUMBER] = number if number < NUMBERS else 0

"""Two MCP3208 sampled in lock step by PIO 0: eight slots a scan, 3200 scans a second, results by DMA.

Two state machines run the same program and drive clock, chip select and command line alike; each
reads the data line of its own chip, so that both words of a slot belong to the same instant. The
processor never touches the bus. What arrives is kept packed, eight codes of 12 bits in three words, in
buffers deep enough for a flash erase; thumb.py spreads each block over the ring before it adds it up.
"""

from array import array

import rp2
from machine import Pin
from micropython import const

from firmware.acquire.layout import RAW_BLOCKS, Ring
from firmware.hardware.pio_sampling import CHANNEL_ORDER, PIO_HZ, scan_mcp3208
from firmware.hardware.sampling_rp2 import BlockSource, RingDma

_RXF = (0x50200020, 0x50200024)  # receive FIFOs of PIO 0
_DREQ_RX = (4, 5)  # RP2040 datasheet, table 120
_WORDS = const(2)  # the size of what DMA moves
_CONVERTERS = (0, 1)  # state machines
_PACKED_BYTES = const(96)  # a block: 64 codes of 12 bits


class Mcp3208Sampler:
    """The reference front end, on the `pins` of the checked map; `depth` blocks are kept packed."""

    def __init__(self, pins: dict, ticks_us, depth: int = RAW_BLOCKS) -> None:
        packed = array("I", bytes(_PACKED_BYTES * depth)), array("I", bytes(_PACKED_BYTES * depth))
        self.ring = Ring(packed=packed, packed_depth=depth)
        self._pins = pins
        self._ticks_us = ticks_us
        self._dmas = (
            RingDma(packed[0], _RXF[0], _DREQ_RX[0], _WORDS),
            RingDma(packed[1], _RXF[1], _DREQ_RX[1], _WORDS),
        )
        self._machines = self._set_up()
        self._source = BlockSource(self._dmas, _CONVERTERS, depth, _PACKED_BYTES)

    def _set_up(self) -> tuple:
        """Return the state machines, ready to run and with empty FIFOs."""
        pins = self._pins
        machines = []
        for number, data in zip(_CONVERTERS, ("adc_data_a", "adc_data_b")):
            Pin(pins[data], Pin.IN, Pin.PULL_UP)  # the line of a converter that is not there reads all ones
            machine = rp2.StateMachine(
                number,
                scan_mcp3208,
                freq=PIO_HZ,
                sideset_base=pins["adc_clock"],
                set_base=pins["adc_mosi"],
                out_base=pins["adc_mosi"],
                in_base=pins[data],
            )
            machine.put(CHANNEL_ORDER)
            machine.exec("pull().side(2)")
            machine.exec("mov(y, osr).side(2)")
            machines.append(machine)
        return tuple(machines)

    def start(self, on_block) -> None:
        """Begin to sample; `on_block(number)` is called in a hard interrupt for every block."""
        self._source.start(on_block, self._ticks_us())

    def stop(self) -> None:
        """Stop sampling."""
        self._source.stop()

    def check(self, now_us: int) -> None:
        """Keep the two converters in step; to be called in every turn of the loop."""
        if not self._source.check(now_us):
            self._source.stop()
            self._machines = self._set_up()
            self._source.restart()

    @property
    def restarts(self) -> int:
        """How often sampling had to be started anew."""
        return self._source.restarts

"""Sends a frame on RS485 and watches the pins meanwhile, as an oscilloscope would."""

from array import array

import micropython
from machine import mem32

from firmware.hardware.rs485_rp2 import Rs485Port
from tools.board_checks.on_board.board import pins, tell, ticks_us


def send(text, baud):
    """Send text; tell edges and time of the last edge of TX, RX and DE, how DE stood, and the bit time."""
    port = Rs485Port(pins["rs485_tx"], pins["rs485_rx"], pins["rs485_de"], ticks_us, baud)
    frame = text.encode()
    masks = array("I", [1 << pins[function] for function in ("rs485_tx", "rs485_rx", "rs485_de")])
    seen = array("i", (0,) * 6)
    bit_us = 1000000 // baud
    before = _levels(masks)
    port.write(frame, len(frame))
    during = _levels(masks)
    _watch(masks, seen, (10 * len(frame) + 30) * bit_us)
    after = _levels(masks)
    tell(
        bit_us=bit_us,
        de=(before[2], during[2], after[2]),
        edges=list(seen[:3]),
        last_us=list(seen[3:]),
        sending=port.sending(ticks_us()),
    )


def _levels(masks):
    levels = mem32[0xD0000004]
    return [1 if levels & mask else 0 for mask in masks]


@micropython.viper
def _watch(masks: ptr32, seen: ptr32, duration_us: int):  # type: ignore
    # Addresses above 2^30 as a shift: GPIO_IN 0xD0000004 and TIMERAWL 0x40054028 (datasheet 2.3.1.7, 4.6.5).
    inputs = ptr32(0x34000001 << 2)  # type: ignore[name-defined]
    timer = ptr32(0x1001500A << 2)  # type: ignore[name-defined]
    start = timer[0]
    old = inputs[0]
    now = 0
    while now < duration_us:
        now = timer[0] - start
        levels = inputs[0]
        changed = levels ^ old
        if changed:
            signal = 0
            while signal < 3:
                if changed & masks[signal]:
                    seen[signal] += 1
                    seen[3 + signal] = now
                signal += 1
            old = levels

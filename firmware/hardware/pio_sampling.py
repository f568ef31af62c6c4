"""PIO programs of the samplers. All state machines of PIO 0 run at 1.6 MHz and are started together.

The converter's clock is half of that, 800 kHz: an MCP3208 may have 1 MHz at 2.7 V (DS21298, AC
characteristics), and its data is sampled 625 ns after it was told to change (it needs at most 200).
Labels here and in pio_rs485.py are words that the interpreter has anyway: any other stays in memory for ever.
"""

import rp2
from micropython import const

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from rp2.asm_pio import *

PIO_HZ = const(1600000)  # 125 MHz / 78.125: exact, so that scans never drift against the crystal
SYSTEM_HZ = const(125000000)
CHANNEL_ORDER = const(0x5397700)  # 0, 1, ... 7 in three bits each, the first in the topmost bits

_CS_CLOCK = (rp2.PIO.OUT_LOW, rp2.PIO.OUT_HIGH)


@rp2.asm_pio(
    sideset_init=_CS_CLOCK,  # type: ignore[arg-type]  # bit 0 clock, bit 1 chip select (low: selected)
    set_init=rp2.PIO.OUT_LOW,
    out_init=rp2.PIO.OUT_LOW,
    out_shiftdir=rp2.PIO.SHIFT_LEFT,
    pull_thresh=24,
    in_shiftdir=rp2.PIO.SHIFT_LEFT,
    autopush=True,
    push_thresh=32,  # eight codes in three words: memory is dearer than taking them apart (thumb.py)
)
def scan_mcp3208():
    # A scan: 4 cycles, then 8 slots of 62: 500 cycles, 3200 scans a second. Y holds the channels.
    wrap_target()
    mov(osr, y).side(2)[3]
    label("channel")
    set(pins, 1).side(0)  # start bit; selected
    nop().side(1)
    nop().side(0)  # single-ended: the line stays high
    nop().side(1)
    out(pins, 1).side(0)  # the channel, three bits
    nop().side(1)
    out(pins, 1).side(0)
    nop().side(1)
    out(pins, 1).side(0)
    nop().side(1)
    nop().side(0)  # the converter samples its input during this clock and the next half
    nop().side(1)
    nop().side(0)  # it answers with a zero first
    nop().side(1)
    set(x, 11).side(0)
    label("bits")
    in_(pins, 1).side(1)
    jmp(x_dec, "bits").side(0)
    nop().side(2)[7]  # deselected for 23 cycles: 500 ns are needed
    nop().side(2)[7]
    jmp(not_osre, "channel").side(2)[6]
    wrap()


@rp2.asm_pio()
def block_clock():
    # 4000 cycles, eight scans: 3 + 4 * (1 + 31 * 32 + 6) + 1. The interrupt comes 14 us after the last word.
    wrap_target()
    set(y, 3)[2]
    label("count")
    set(x, 30)
    label("delay")
    jmp(x_dec, "delay")[31]
    jmp(y_dec, "count")[5]
    irq(rel(0))
    wrap()

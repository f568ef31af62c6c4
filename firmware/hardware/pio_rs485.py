"""PIO programs of the RS485 port: one drives DI and DE of the transceiver, one reads RO.

The transmitter's first word: how many bits go between start and stop bit, less one. Each further word is a
character's bits, the lowest first. DMA repeats narrow ones in all bytes or halves of a word: so frames of
bytes can be sent as they lie in memory, and a small number, which none of them is, can say that no word
waits.

What was received, in the upper half of a word: a character, its first stop bit `S`, its parity `p` where
there is one and its data `d`, or the end of a frame:

    S dddddddd 0000000     S p dddddddd 000000     1111111111111111: silent for t3.5

The receiver's first word: in its lowest four bits, how many bits come between start and stop bit, less
one; then the silence, in turns of two cycles. It asks for one stop bit only, because masters that are set
to two may send one, and what follows the second one is a start bit or rest anyway.
"""

import rp2
from micropython import const

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from rp2.asm_pio import *


@rp2.asm_pio(
    out_init=rp2.PIO.OUT_HIGH,
    set_init=rp2.PIO.OUT_HIGH,
    sideset_init=rp2.PIO.OUT_LOW,
    out_shiftdir=rp2.PIO.SHIFT_RIGHT,
)
def transmit():
    # 8 cycles a bit. The ISR keeps the number of bits.
    pull().side(0)
    mov(isr, osr).side(0)
    wrap_target()
    pull().side(0)
    mov(x, isr).side(1)[4]  # the driver is on 5/8 of a bit before the first start bit
    label("word")
    set(pins, 0).side(1)[7]
    label("bits")
    out(pins, 1).side(1)[6]
    jmp(x_dec, "bits").side(1)
    set(pins, 1).side(1)[3]  # the stop bit lasts until the `set` after "word"
    mov(x, isr).side(1)
    pull(noblock).side(1)  # where no word waits this copies X
    mov(y, osr).side(1)
    jmp(x_not_y, "word").side(1)
    nop().side(1)  # the stop bit is out an eighth of a bit before the driver is off
    irq(clear, 4).side(0)
    wrap()


@rp2.asm_pio(in_shiftdir=rp2.PIO.SHIFT_RIGHT, out_shiftdir=rp2.PIO.SHIFT_RIGHT)
def receive():
    # 32 cycles a bit. Y keeps the number of bits, the OSR the silence.
    pull()
    out(y, 4)
    label("waiting")
    wait(0, pin, 0)
    wrap_target()
    label("idle")
    jmp(pin, "high")
    wait(0, irq, 4)  # type: ignore[arg-type]  # the name of an instruction stands for the flags here
    mov(x, y)[12]
    jmp(pin, "restart")  # the middle of the start bit
    nop()[30]
    label("bits")
    in_(pins, 1)[30]
    jmp(x_dec, "bits")
    in_(pins, 1)  # the middle of the stop bit; ready for a start bit four cycles later
    wait(1, pin, 0)  # a break is one character, however long it is
    push(noblock)
    label("restart")
    mov(x, osr)
    wrap()
    label("high")
    jmp(x_dec, "idle")
    mov(isr, x)  # all ones
    push(noblock)
    jmp("waiting")

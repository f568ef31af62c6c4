"""The RS485 port: two programs of PIO 1 (pio_rs485.py), fed and emptied by DMA.

The processor hands over a frame and takes frames away; all timing of the line is hardware's, so that a
collection (40 ms) or a flash erase (400 ms) costs no character and never keeps the driver on.

The receiver puts the end of a frame into the stream itself. So frames that came while nobody looked stay
apart, and no interrupt is needed. While flag 4 of PIO 1 is set the port sends: the processor sets it with
the order to send, the transmitter clears it as it releases the driver.

One pair of programs serves every format: each is told how many bits a character has. To the programs a
parity bit is a ninth bit of data, and so is the first of two stop bits to the one that sends; it is made and
checked where frames are handed over. Without it (8N1) a frame is sent as it lies in memory.
"""

from array import array

import micropython
from machine import Pin, mem32
from micropython import const
from rp2 import DMA, StateMachine

from firmware.hardware.pio_rs485 import receive, transmit
from firmware.hardware.rtu_timing import FORMAT_8E1, FORMAT_8N1, FORMAT_8N2, FORMAT_8O1, silence_us

_TRANSMITTER = const(4)  # state machine 0 of PIO 1
_RECEIVER = const(5)
_DREQ_TRANSMITTER = const(8)  # RP2040 datasheet, 2.5.3.1
_DREQ_RECEIVER = const(13)
_UPPER_RXF = const(0x50300026)  # upper half of the receiver's FIFO
_PIO1_IRQ = const(0x50300030)
_PIO1_IRQ_FORCE = const(0x50300034)
_SENDING = const(0x10)

_NO_STOP_BIT = const(0x8000)  # flaws of a frame, as `_copy` tells them
_NO_PARITY = const(-1)
_EVEN = const(0)
_ODD = const(1)

_LONGEST = const(256)  # characters of the longest frame to send
_RING = const(512)  # halfwords: 533 ms of an unbroken stream at 9600 baud, 44 ms at 115200
_RING_BITS = const(10)  # of its length in bytes
_KEPT = const(480)  # no older character is read: DMA goes on writing while the ring is looked at
# A DMA channel counts down from here, 13 days at 9600 baud, and is started anew in a silence before.
_ENDLESS = const(0x3FFFFFFF)
_ENOUGH = const(0x1FFFFFFF)
_COUNTER = const(0x3FFFFFFF)  # counters wrap here: small integers on a 32-bit board


class Rs485Port:
    """A half-duplex port. It owns PIO 1 and two DMA channels.

    Counters, wrapping at 0x3FFFFFFF: `framing_errors` are frames dropped for a character without a stop
    bit (noise, a break, a wrong baud rate), `parity_errors` frames dropped for a wrong parity bit alone,
    `overruns` are losses because nobody received in time.
    """

    def __init__(
        self, tx: int, rx: int, de: int, ticks_us, baud: int = 9600, line_format: int = FORMAT_8N1
    ) -> None:
        self.overruns = 0
        self.framing_errors = 0
        self.parity_errors = 0
        self._tx = Pin(tx)
        self._de = Pin(de)
        # Pulled up, because the transceiver lets go of this line while it drives the bus.
        self._rx = Pin(rx, Pin.IN, Pin.PULL_UP)
        self._transmitter = StateMachine(_TRANSMITTER)
        self._receiver = StateMachine(_RECEIVER)
        self._tx_dma = DMA()
        self._rx_dma = DMA()
        self._next_baud = 0
        self._next_format = line_format
        self._parity = _NO_PARITY
        self._spelt = False  # what is sent are words of nine bits
        self._start = 0  # of the oldest frame, in halfwords since the ring was started
        self._seen = 0  # how far its end has been looked for
        self._torn = False  # it lacks its beginning
        # DMA wants the ring aligned to its length. In twice the length there is such a place, and what
        # is left over before or behind it is long enough for the words to send.
        memory = array("H", bytes(4 * _RING))
        self._rx_dma.config(write=memory)
        at = (-self._rx_dma.write & (2 * _RING - 1)) >> 1  # type: ignore[attr-defined]
        view = memoryview(memory)
        self._ring = view[at : at + _RING]
        self._words = view[:at] if at >= _LONGEST else view[at + _RING :]
        self._tx_dma.config(write=self._transmitter)
        self._rx_dma.config(
            read=_UPPER_RXF,
            ctrl=self._rx_dma.pack_ctrl(
                size=1, inc_read=False, treq_sel=_DREQ_RECEIVER, ring_sel=True, ring_size=_RING_BITS
            ),
        )
        self._apply(baud, line_format)

    def receive(self, buf, now_us: int) -> int:
        """Copy the oldest complete frame to `buf`, as far as it fits; return its true length, 0 if none.

        Frames with a framing or parity error or partly overwritten are passed over and counted.
        """
        arrived = _ENDLESS - self._rx_dma.count  # type: ignore[attr-defined]
        if arrived != self._seen:
            return self._take(buf, arrived)
        if arrived > _ENOUGH and self._start == arrived:
            self._start_ring()
        return 0

    def _take(self, buf, arrived: int) -> int:
        """Do it where something has come. It is not in `receive`, which is mostly called for nothing."""
        if arrived - self._start > _KEPT:
            if not self._torn:
                self.overruns = (self.overruns + 1) & _COUNTER
            self._start = self._seen = arrived - _KEPT
            self._torn = True
        while True:
            start = self._start
            end = _find_end(self._ring, self._seen, arrived)
            self._seen = end
            if end == arrived:
                return 0
            self._start = self._seen = end + 1
            if self._torn:
                self._torn = False  # up to here it is the rest of a frame whose beginning is gone
            elif end > start:
                flaws = _copy(self._ring, start, end, buf, len(buf), self._parity)
                if not flaws:
                    return end - start
                if flaws & _NO_STOP_BIT:
                    self.framing_errors = (self.framing_errors + 1) & _COUNTER
                else:
                    self.parity_errors = (self.parity_errors + 1) & _COUNTER

    def write(self, buf, n: int) -> None:
        """Start sending `buf[:n]` and return; ValueError if it cannot be sent whole, in one go.

        The bytes must stay as they are until it is no longer `sending`.
        """
        if not 0 < n <= len(buf) or n > _LONGEST:
            raise ValueError("cannot send %d bytes" % n)
        if mem32[_PIO1_IRQ] & _SENDING:
            raise ValueError("the frame before is still being sent")
        if self._spelt:
            _spell(buf, n, self._words, self._parity)
            buf = self._words
        mem32[_PIO1_IRQ_FORCE] = _SENDING
        self._tx_dma.config(read=buf, count=n, trigger=True)

    def sending(self, now_us: int) -> bool:
        """Return whether a frame is still going out or the driver is still on."""
        sending = mem32[_PIO1_IRQ] & _SENDING != 0
        if self._next_baud and not sending:
            self._apply(self._next_baud, self._next_format)
        return sending

    def configure(self, baud: int, line_format: int = FORMAT_8N1) -> None:
        """Change baud rate and format (rtu_timing.FORMAT_...), at once or, while a frame is going out, with
        the first look at the port after it has left; what waits is dropped. ValueError for another format.
        """
        if not FORMAT_8N1 <= line_format <= FORMAT_8N2:
            raise ValueError("there is no line format %s" % line_format)
        self._next_format = line_format
        self._next_baud = baud
        self.sending(0)

    def _apply(self, baud: int, line_format: int) -> None:
        self._next_baud = 0
        bits = 8  # between start and stop bit
        self._parity = _NO_PARITY
        if line_format == FORMAT_8E1 or line_format == FORMAT_8O1:
            bits = 9
            self._parity = _EVEN if line_format == FORMAT_8E1 else _ODD
        self._spelt = line_format != FORMAT_8N1
        self._transmitter.init(
            transmit, freq=8 * baud, out_base=self._tx, set_base=self._tx, sideset_base=self._de
        )
        self._transmitter.put(8 if self._spelt else 7)
        size = 1 if self._spelt else 0
        ctrl = self._tx_dma.pack_ctrl(size=size, inc_write=False, treq_sel=_DREQ_TRANSMITTER)
        self._tx_dma.config(ctrl=ctrl)
        self._receiver.init(receive, freq=32 * baud, in_base=self._rx, jmp_pin=self._rx)
        mem32[_PIO1_IRQ] = _SENDING  # a soft reset in the middle of a frame leaves it set; ones clear
        self._start_ring()
        # One bit less than t3.5, so that what comes exactly t3.5 after a frame is the next frame.
        turns = 32 * baud * silence_us(baud, line_format) // 2000000 - 11
        if line_format == FORMAT_8N2:
            turns += 16  # the receiver asks for one stop bit only: the other one belongs to its silence
        self._receiver.put(turns << 4 | bits - 1)
        self._transmitter.active(1)
        self._receiver.active(1)

    def _start_ring(self) -> None:
        """Receive from the beginning of the ring on, forgetting what is in it."""
        self._rx_dma.active(0)
        self._rx_dma.config(write=self._ring, count=_ENDLESS, trigger=True)
        self._start = self._seen = 0
        self._torn = False


@micropython.viper
def _find_end(ring: ptr16, at: int, arrived: int) -> int:  # type: ignore
    """Return where in `[at, arrived)` the first frame ends, or `arrived`."""
    while at != arrived:
        if ring[at & 511] == 0xFFFF:
            break
        at += 1
    return at


@micropython.viper
def _copy(ring: ptr16, at: int, end: int, buf: ptr8, room: int, parity: int) -> int:  # type: ignore
    """Copy the characters of a frame, `room` at most; return its flaws.

    Bit 15: a character has no stop bit; bit 0: one has a wrong parity bit.
    """
    shift = 7 if parity < 0 else 6
    stops = 0x8000
    wrong = 0
    k = 0
    while at != end:
        word = ring[at & 511]
        byte = (word >> shift) & 0xFF
        stops &= word
        # Bit n of 0x6996 is the parity of n, which has four bits.
        wrong |= (0x6996 >> ((byte ^ byte >> 4) & 15)) ^ (word >> 14) ^ parity
        if k < room:
            buf[k] = byte
            k += 1
        at += 1
    if parity < 0:
        wrong = 0
    return (stops ^ 0x8000) | (wrong & 1)


@micropython.viper
def _spell(buf: ptr8, n: int, words: ptr16, parity: int):  # type: ignore
    """Make words of nine bits: the data, and a parity bit or, where there is no parity, a stop bit."""
    while n:
        n -= 1
        byte = buf[n]
        word = byte | 0x100
        if parity >= 0 and not ((0x6996 >> ((byte ^ byte >> 4) & 15)) ^ parity) & 1:
            word = byte
        words[n] = word

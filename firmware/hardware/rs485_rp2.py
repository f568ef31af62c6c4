"""The RS485 port: a UART, and the driver-enable pin of its transceiver.

Releasing DE cannot be left to the loop, which may be away for a collection (17 ms), nor to the
UART's TXIDLE interrupt, which comes with characters still to send. So a hard one-shot timer is set
to the end of the frame as computed from the baud rate; its handler asks the UART itself and, where
the frame is not quite out, looks again every quarter of a character. `sending()` releases DE as
well, so that a timer that never fires costs time but not the bus.
"""

from machine import UART, Pin, Timer
from micropython import const

from firmware import ticks

_TX_BYTES = const(256)  # the longest Modbus RTU frame: write() never waits for room
_RX_BYTES = const(512)
_QUIET_US = const(1000000)  # silence is not told apart beyond this: the ticks wrap
_TICK_HZ = const(1000000)


class Rs485Port:
    """A half-duplex port, 8N1. `ticks_us` is the board's counter, read when bytes are seen."""

    def __init__(self, uart: int, tx: int, rx: int, de: int, ticks_us, baud: int = 9600) -> None:
        self._de = Pin(de, Pin.OUT, value=0)
        Pin(rx, Pin.IN, Pin.PULL_UP)  # the transceiver lets go of this line while it drives the bus
        self._uart = UART(
            uart,
            baudrate=baud,
            bits=8,
            parity=None,
            stop=1,
            tx=Pin(tx),
            rx=Pin(rx),
            timeout=0,
            txbuf=_TX_BYTES,
            rxbuf=_RX_BYTES,
        )
        self._timer = Timer(-1)
        self._on_frame_end = self._frame_end  # a bound method is an object: made once, not per frame
        self._ticks_us = ticks_us
        self._last_us = ticks_us()
        self._quiet = False
        self._sending = False
        self._next_baud = 0
        self._dropped = bytearray(_RX_BYTES)
        self._baud = baud
        self._quarter_us = _quarter_us(baud)

    def read(self, buf: bytearray, start: int) -> int:
        """Copy what has been received to `buf[start:]`; return how many bytes, 0 if none.

        Bytes that do not fit are dropped. What arrives while the port itself sends is its own echo
        or noise, and is dropped whole.
        """
        waiting = self._uart.any()
        if not waiting:
            return 0
        if self._sending:
            self._drop(waiting)
            return 0
        self._last_us = self._ticks_us()
        self._quiet = False
        taken = min(waiting, max(len(buf) - start, 0))
        if taken > 0:
            self._uart.readinto(memoryview(buf)[start:], taken)
        self._drop(waiting - taken)
        return taken

    def silent_us(self, now_us: int) -> int:
        """Return the time since the `read()` that last saw bytes, in us, at most one second."""
        if not self._quiet:
            silent = ticks.diff(now_us, self._last_us)
            if silent < _QUIET_US:
                return max(silent, 0)
            self._quiet = True  # remembered, because the difference would come round again
        return _QUIET_US

    def write(self, buf, n: int) -> None:
        """Start sending `buf[:n]` and return; ValueError if it cannot be sent whole, in one go."""
        if not 0 < n <= min(_TX_BYTES, len(buf)):
            raise ValueError("cannot send %d bytes" % n)
        if self._sending:
            raise ValueError("the frame before is still being sent")
        frame = memoryview(buf)[:n]
        frame_us = n * 1000000 // (self._baud // 10)  # ten bits a character; below 2^30 for 256 bytes
        self._sending = True
        self._de(1)
        self._uart.write(frame)
        # The time that has passed since the start bit is the timer's margin over the stop bit.
        self._set_timer(frame_us)

    def sending(self, now_us: int) -> bool:
        """Return whether a frame is still going out or DE is still driven."""
        if self._sending and self._uart.txdone():
            self._release()
        if self._next_baud and not self._sending:
            self._apply(self._next_baud)
        return self._sending

    def configure(self, baud: int) -> None:
        """Change the baud rate: at once, or when the frame now going out has left."""
        if self._sending:
            self._next_baud = baud
        else:
            self._apply(baud)

    def _apply(self, baud: int) -> None:
        self._next_baud = 0
        self._baud = baud
        self._quarter_us = _quarter_us(baud)
        self._uart.init(baudrate=baud, bits=8, parity=None, stop=1)

    def _drop(self, count: int) -> None:
        while count > 0:
            count -= self._uart.readinto(self._dropped, min(count, _RX_BYTES)) or count

    def _set_timer(self, delay_us: int) -> None:
        self._timer.init(  # type: ignore[call-overload]  # the stubs do not know tick_hz beside period
            mode=Timer.ONE_SHOT, period=delay_us, tick_hz=_TICK_HZ, callback=self._on_frame_end, hard=True
        )

    def _frame_end(self, _timer) -> None:
        """Release DE if the last stop bit is out. Runs in a hard interrupt: allocates nothing."""
        if not self._sending:
            return
        if self._uart.txdone():
            self._release()
        else:
            self._set_timer(self._quarter_us)

    def _release(self) -> None:
        self._de(0)
        self._sending = False


def _quarter_us(baud: int) -> int:
    """Return a quarter of a character of ten bits, in us."""
    return 2500000 // baud

"""What rp2040py 0.3.6 gets wrong or leaves out, mended. Each class says what was wrong and who suffers.

The parts of one chip are replaced; rp2040py itself is left as it is. All this is a model: a driver that
passes against it has been tested against these lines, not against silicon.
"""

import math
from collections import deque
from collections.abc import Callable
from typing import Any

from rp2040py.clock.simulation_clock import SimulationClock
from rp2040py.gpio_pin import GPIOPin, GPIOPinState
from rp2040py.peripherals import adc, dma, ssi
from rp2040py.peripherals.i2c import R_TX_EMPTY, RPI2C
from rp2040py.peripherals.io import RPIO
from rp2040py.peripherals.pads import GPIO_FIRST, GPIO_LAST, RPPADS
from rp2040py.peripherals.uart import RPUART
from rp2040py.rp2040 import RP2040
from rp2040py.usb.cdc import USBCDC

from tools.emulator.sio import Sio

CYCLE_NS = 8.0  # rp2040py executes at 125 MHz, whatever the PLLs are set to
_PIN_COUNT = 30
_WAITS_FOR_IRQ = 4  # rp2040py's number for a state machine that waits for a PIO flag
_NEVER = 1 << 61


class Clock(SimulationClock):
    """Time that does not jump over the PIO while the processor sleeps.

    A sleeping processor makes the emulator jump to the next alarm, however far, and the PIO gets one
    step for it: programs lost most of their cycles in WFE, and what was not a whole number of cycles
    was lost for ever. Here a jump ends where a state machine is due, or one cycle before an alarm that
    may wake one that waits, and every jump is whole cycles.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pios: tuple[Any, ...] = ()

    @property
    def nanos_to_next_alarm(self) -> float:
        """Asked once per jump: how far to go."""
        nanos = SimulationClock.nanos_to_next_alarm.__get__(self)  # type: ignore[attr-defined]
        cycles = math.ceil(nanos / CYCLE_NS)
        for pio in self.pios:
            if not pio.stopped:
                cycles = min(cycles, self._cycles_to_step(pio, cycles))
        return max(cycles, 1) * CYCLE_NS

    @staticmethod
    def _cycles_to_step(pio: Any, cycles: int) -> int:
        due = pio.next_due_fp
        if due < _NEVER:
            return -((pio.cycle_fp - due) >> 8)  # rounded up; the unit is 1/256 of a cycle
        # All wait: an alarm may be what they wait for, and must find them at most a cycle behind.
        return cycles - 1 if cycles > 1 else cycles


class Pad(GPIOPin):
    """A pin whose output can be read back, as on the chip.

    rp2040py keeps outputs and inputs apart: a driven pin read as what the outside had last put there.
    """

    def __init__(self, chip: "Chip", number: int) -> None:
        super().__init__(chip, number)
        self.external: bool | None = None  # what the outside drives, None: nothing
        self.output: bool | None = None  # what the chip drives
        self.looped = True  # False: only reads see the output, not interrupts nor PIO that waits for it
        self.add_listener(self._output_changed)

    def drive(self, level: bool | None) -> None:
        """Drive the pin from outside, or with None let go of it."""
        self.external = level
        if self.output is None:
            self._show(level)

    def _output_changed(self, new: GPIOPinState, old: GPIOPinState) -> None:
        self.output = None if new > 1 else new == 1
        if self.looped:
            self._show(self.external if self.output is None else self.output)
        else:
            self.rp2040.refresh(self.index)  # type: ignore[attr-defined]

    def _show(self, level: bool | None) -> None:
        if level is None:
            self.release_input()
        else:
            self.set_input_value(level)

    def _apply_input_value(self, value: bool) -> None:
        super()._apply_input_value(value)
        self.rp2040.refresh(self.index)  # type: ignore[attr-defined]

    def level(self) -> bool:
        """Return what the chip reads on the pin (its input override, INOVER, is not modelled)."""
        raw = self.output_value if self.output_enable else self._effective_raw_input_value
        return bool(raw and self.input_enable)


class _Pads(RPPADS):
    """Tells the chip when a pull resistor or an input buffer was switched."""

    def write_uint32(self, offset: int, value: int) -> None:
        super().write_uint32(offset, value)
        if GPIO_FIRST <= offset <= GPIO_LAST:
            self.rp2040.refresh((offset - GPIO_FIRST) >> 2)  # type: ignore[attr-defined]


class Uart(RPUART):
    """A PL011 with its FIFOs, bit times, trigger levels and receive timeout.

    rp2040py sends in no time and keeps the transmit interrupt raised for ever: `machine.UART()` never
    came back from its handler. `on_byte` gets each byte at the end of its stop bit, and `feed_byte` is
    to be called at the end of one.
    """

    _TX, _RX, _TIMEOUT, _OVERRUN = 1 << 5, 1 << 4, 1 << 6, 1 << 10
    _LEVELS = (4, 8, 16, 24, 28, 28, 28, 28)

    def __init__(self, chip: "Chip", old: RPUART) -> None:
        super().__init__(chip, old.name, old.irq, old.dreq)
        self._queue: deque[int] = deque()
        self._shifting: int | None = None
        self._raw = 0
        self._level_select = 0x12
        self._dma_control = 0
        self.overruns = 0
        self._sent = chip.clock.create_alarm(self._shifted)
        self._quiet = chip.clock.create_alarm(self._timed_out)

    @property
    def bit_ns(self) -> float:
        """Time of a bit."""
        return 16e9 * (self.baud_divider or 1) / self.rp2040.clk_peri

    @property
    def char_ns(self) -> float:
        """Time of a character with start, parity and stop bits."""
        line = self._line_ctrl_register
        return self.bit_ns * (1 + self.word_length + (1 if line & 2 else 0) + (2 if line & 8 else 1))

    @property
    def _depth(self) -> int:
        return 32 if self.fifos_enabled else 1

    @property
    def _tx_level(self) -> int:
        return self._LEVELS[self._level_select & 7] if self.fifos_enabled else 0

    @property
    def _rx_level(self) -> int:
        return self._LEVELS[self._level_select >> 3 & 7] if self.fifos_enabled else 1

    def check_interrupts(self) -> None:
        """Set the interrupt line and the requests to the DMA."""
        self.rp2040.set_interrupt(self.irq, bool(self._raw & self._interrupt_mask))
        requests = self.rp2040.dma
        may_send = self._dma_control & 2 and len(self._queue) < self._depth
        may_read = self._dma_control & 1 and not self.rx_fifo.empty
        (requests.set_dreq if may_send else requests.clear_dreq)(self.dreq.tx)
        (requests.set_dreq if may_read else requests.clear_dreq)(self.dreq.rx)

    def _start(self) -> None:
        self._shifting = self._queue.popleft()
        if len(self._queue) == self._tx_level:
            self._raw |= self._TX  # it fell to the trigger level
        self._sent.schedule(self.char_ns)

    def _start_when_possible(self) -> None:
        if self._queue and self._shifting is None and self.enabled and self.tx_enabled:
            self._start()

    def _shifted(self) -> None:
        value, self._shifting = self._shifting, None
        self._start_when_possible()
        self.check_interrupts()
        if self.on_byte and value is not None:
            self.on_byte(value)

    def _timed_out(self) -> None:
        if not self.rx_fifo.empty:
            self._raw |= self._TIMEOUT
            self.check_interrupts()

    def feed_byte(self, value: int) -> None:
        """Receive a byte."""
        if not (self.enabled and self.rx_enabled):
            return
        if self.rx_fifo.item_count >= self._depth:
            self.overruns += 1
            self._raw |= self._OVERRUN
        else:
            self.rx_fifo.push(value)
        if self.rx_fifo.item_count >= self._rx_level:
            self._raw |= self._RX
        self._quiet.schedule(32 * self.bit_ns)
        self.check_interrupts()

    def read_uint32(self, offset: int) -> int:
        if offset == 0x00:  # DR
            value = self.rx_fifo.pull()
            if self.rx_fifo.item_count < self._rx_level:
                self._raw &= ~self._RX
            if self.rx_fifo.empty:
                self._raw &= ~self._TIMEOUT
                self._quiet.cancel()
            self.check_interrupts()
            return value
        if offset == 0x04:  # RSR: errors are not modelled
            return 0
        if offset == 0x18:  # FR
            waiting = len(self._queue)
            return (
                (0x80 if waiting == 0 else 0)
                | (0x40 if self.rx_fifo.item_count >= self._depth else 0)
                | (0x20 if waiting >= self._depth else 0)
                | (0x10 if self.rx_fifo.empty else 0)
                | (0x08 if waiting or self._shifting is not None else 0)
            )
        if offset == 0x34:  # IFLS
            return self._level_select
        if offset == 0x3C:  # RIS
            return self._raw
        if offset == 0x40:  # MIS
            return self._raw & self._interrupt_mask
        if offset == 0x48:  # DMACR
            return self._dma_control
        return super().read_uint32(offset)

    def write_uint32(self, offset: int, value: int) -> None:
        if offset == 0x00:
            if len(self._queue) < self._depth:
                self._queue.append(value & 0xFF)
            if len(self._queue) > self._tx_level:
                self._raw &= ~self._TX
            self._start_when_possible()
        elif offset == 0x04:
            return
        elif offset == 0x30:  # CR
            self._ctrl_register = value
            self._start_when_possible()
        elif offset == 0x34:
            self._level_select = value & 0x3F
            return
        elif offset == 0x38:  # IMSC
            self._interrupt_mask = value & 0x7FF
        elif offset == 0x44:  # ICR
            self._raw &= ~self.raw_write_value
        elif offset == 0x48:
            self._dma_control = value & 7
        else:
            if offset == 0x2C and not value & 0x10:  # LCR_H without FIFOs
                self._queue.clear()
            super().write_uint32(offset, value)
            return
        self.check_interrupts()

    def reset(self) -> None:
        super().reset()
        self._queue.clear()
        self._shifting = None
        self._raw, self._level_select, self._dma_control = 0, 0x12, 0
        self._sent.cancel()
        self._quiet.cancel()
        self.check_interrupts()


class Dma(dma.RPDMA):
    """Pacing timers that divide by Y / X as the data sheet has it (2.5.7.1: rate = clk_sys * X / Y).

    rp2040py divides by X / Y: a timer for 8 kHz ran at more than the clock's own rate.
    """

    def __init__(self, chip: "Chip", old: dma.RPDMA) -> None:
        super().__init__(chip, old.name)
        self.dreq = dict(old.dreq)  # the requests that stand already; nobody repeats them

    def get_timer(self, treq: int) -> float:
        """Return the time between two transfers in microseconds, 0 for a timer that is off."""
        timers = {0x3B: self._timer0, 0x3C: self._timer1, 0x3D: self._timer2, 0x3E: self._timer3}
        value = timers.get(treq, 0)
        x, y = value >> 16, value & 0xFFFF
        return y / x * 1e6 / self.rp2040.clk_sys if x else 0.0


class Adc(adc.RPADC):
    """A round robin that goes round: rp2040py masked the next channel with the wrong number."""

    @property
    def _active_channel(self) -> int:
        return self.cs >> adc.CS_AINSEL_SHIFT & adc.CS_AINSEL_MASK

    @_active_channel.setter
    def _active_channel(self, channel: int) -> None:
        self.cs &= ~(adc.CS_AINSEL_MASK << adc.CS_AINSEL_SHIFT)
        self.cs |= (channel & adc.CS_AINSEL_MASK) << adc.CS_AINSEL_SHIFT


class I2c(RPI2C):
    """A bus on which bytes take their time, and on which a device that is not there does not answer.

    rp2040py's bytes take none: a display page went out at the speed of the processor, and nobody waited
    for it. And after an address that nobody acknowledged it never said that the FIFO is empty again, so
    that the driver waited for its timeout (ETIMEDOUT instead of EIO).
    """

    def __init__(self, chip: "Chip", old: RPI2C) -> None:
        self._alarm = chip.clock.create_alarm(self._go_on)
        self._next: Callable[[], None] | None = None
        super().__init__(chip, old.name, old.irq)

    @property
    def bit_ns(self) -> float:
        """Time of a bit: the counters that the driver has set, of the system clock."""
        return (self.scl_low_period + self.scl_high_period) * CYCLE_NS

    def _after(self, bits: int, step: Callable[[], None]) -> None:
        self._next = step
        self._alarm.schedule(bits * self.bit_ns)

    def _go_on(self) -> None:
        step, self._next = self._next, None
        if step is not None:
            step()

    def _abort(self, reason: int) -> None:
        super()._abort(reason)
        self._set_interrupts(R_TX_EMPTY)

    def complete_connect(self, ack: bool, nack_byte: int = 0) -> None:
        going_on = super().complete_connect
        self._after(10, lambda: going_on(ack, nack_byte))  # start, address, acknowledge

    def complete_write(self, ack: bool) -> None:
        going_on = super().complete_write
        self._after(9, lambda: going_on(ack))

    def complete_read(self, value: int) -> None:
        going_on = super().complete_read
        self._after(9, lambda: going_on(value))

    def reset(self) -> None:
        self._alarm.cancel()
        self._next = None
        super().reset()


class Flash(ssi.RPSSI):
    """A flash chip that is busy after an erase or a program command; rp2040py's is done at once.

    With it, a write stops everything that runs from flash, for as long as on a board.
    """

    BUSY = 0x01

    def __init__(self, chip: "Chip", name: str) -> None:
        super().__init__(chip, name)
        self.erase_ms = 45.0  # a sector; W25Q16JV: typically 45, at most 400
        self.program_ms = 0.4  # a page; typically 0.4, at most 3
        self.erases: list[tuple[float, float]] = []  # from and to, in ns
        self._busy_until_ns = 0.0

    def _shift_byte(self, byte_out: int) -> int:
        value = super()._shift_byte(byte_out)
        asks = len(self._tx_buffer) > 1 and self._tx_buffer[0] == ssi.CMD_READ_STATUS_1
        if asks and self.rp2040.clock.nanos < self._busy_until_ns:
            return value | self.BUSY
        return value

    def _apply_command(self) -> None:
        command = self._tx_buffer[0] if self._tx_buffer else None
        allowed = self._write_enabled
        super()._apply_command()
        if allowed and command in (ssi.CMD_SECTOR_ERASE, ssi.CMD_BLOCK_ERASE):
            self._busy_until_ns = self.rp2040.clock.nanos + self.erase_ms * 1e6
            self.erases.append((self.rp2040.clock.nanos, self._busy_until_ns))
        elif allowed and command == ssi.CMD_PAGE_PROGRAM:
            self._busy_until_ns = self.rp2040.clock.nanos + self.program_ms * 1e6


class HostPort(USBCDC):
    """The host's end of the USB console, which leaves the chip alone when it has nothing to say.

    rp2040py's host answers every request for data with an empty packet 10 us later: 100000 interrupts a
    second, which take two thirds of the emulated processor and let it never sleep. A real host keeps
    silent until it has data.
    """

    def __init__(self, chip: "Chip") -> None:
        super().__init__(chip.usb_ctrl)
        self._to_chip = bytearray()
        self._asked = 0  # bytes that the chip has room for and waits for
        answer = self.usb.on_endpoint_read

        def chip_asks(endpoint: int, size: int) -> None:
            if endpoint == self._out_endpoint and endpoint > 0:
                self._asked = size
                self._answer()
            elif answer is not None:
                answer(endpoint, size)

        self.usb.on_endpoint_read = chip_asks

    def send(self, content: bytes) -> None:
        """Send to the chip, as fast as it takes it."""
        self._to_chip += content
        self._answer()

    @property
    def unsent(self) -> int:
        """How many bytes the chip has not asked for yet."""
        return len(self._to_chip)

    def _answer(self) -> None:
        if self._asked and self._to_chip:
            size, self._asked = min(self._asked, len(self._to_chip)), 0
            packet = self._to_chip[:size]
            del self._to_chip[:size]
            self.usb.endpoint_read_done(self._out_endpoint, packet)

    def _on_controller_reset(self) -> None:
        super()._on_controller_reset()
        self._asked = 0
        self._to_chip.clear()


class Chip(RP2040):
    """An RP2040 made of the repaired parts."""

    # What GPIO_IN and PIO read, kept up to date by whoever changes a pin. rp2040py asks all 30 pins each
    # time, and a converter is read 600000 times a second.
    __slots__ = ("gpio_values",)
    gpio_values: int  # type: ignore[assignment]

    def __init__(self) -> None:
        clock = Clock()
        super().__init__(clock)
        self.gpio_values = 0
        self.clk_peri = 48_000_000  # MicroPython since 1.21 runs the UARTs from the USB PLL, not at 125 MHz
        self.gpio: list[Pad] = [Pad(self, number) for number in range(_PIN_COUNT)]  # type: ignore[assignment]
        self.pads_bank0 = _Pads(self, "PADS_BANK0_BASE", "bank0")
        self.uart = [Uart(self, old) for old in self.uart]
        self.i2c = [I2c(self, old) for old in self.i2c]
        self.sio = Sio(self)  # type: ignore[assignment]
        self.adc = Adc(self, "ADC")
        self.dma = Dma(self, self.dma)
        self.qspi[1]._listeners.clear()  # the flash that is replaced listened there
        self.ssi = Flash(self, "SSI")
        self.peripherals.update(
            {
                0x18000: self.ssi,
                0x40014: RPIO(self, "IO_BANK0_BASE"),  # it keeps the list of pins that it was made with
                0x4001C: self.pads_bank0,
                0x40034: self.uart[0],
                0x40038: self.uart[1],
                0x40044: self.i2c[0],
                0x40048: self.i2c[1],
                0x4004C: self.adc,
                0x50000: self.dma,
            }
        )
        clock.pios = tuple(self.pio)

    def refresh(self, number: int) -> None:
        """Look anew at what the chip reads on a pin."""
        if number < _PIN_COUNT:
            bit = 1 << number
            rest = self.gpio_values & ~bit
            self.gpio_values = rest | bit if self.gpio[number].level() else rest

    def enter_reset(self, *, from_watchdog: bool = False) -> None:
        """Reset; whoever listens to a pin hears that it is let go of, which rp2040py tells nobody."""
        before = [pad.value for pad in self.gpio]
        super().enter_reset(from_watchdog=from_watchdog)
        if not from_watchdog:
            self.watchdog.write_uint32(0, 0)  # rp2040py lets it run on through a reset by the RUN pin
        for pad, old in zip(self.gpio, before, strict=True):
            if pad.value != old:
                for listener in tuple(pad._listeners):
                    listener(pad.value, old)
            self.refresh(pad.index)

"""The RS485 line at the Pico's pins: a master that sends bit by bit, and a listener that measures.

Rate and format are the master's to choose. The transceiver is part of it: it puts TX on the bus while DE
is high, and holds RX high meanwhile, as the box's wiring has it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from firmware.hardware.rtu_timing import FORMAT_8E1, FORMAT_8N1, FORMAT_8N2, FORMAT_8O1
from tools.emulator.machine import Machine
from tools.emulator.repairs import CYCLE_NS


def bits_of(line_format: int) -> int:
    """Return how many bits a character has."""
    return 10 if line_format == FORMAT_8N1 else 11


def word_of(value: int, line_format: int) -> int:
    """Return a character as its bits, the start bit lowest."""
    ones = value.bit_count()
    above = {FORMAT_8N1: 0b1, FORMAT_8E1: 0b10 | ones & 1, FORMAT_8O1: 0b10 | ~ones & 1, FORMAT_8N2: 0b11}
    return above[line_format] << 9 | value << 1


def t35_ns(baud: int, line_format: int = FORMAT_8N1) -> float:
    """Return the silence that ends a Modbus RTU frame (Serial Line V1.02, 2.5.1.1: fixed above 19200)."""
    return 1_750_000.0 if baud > 19200 else 3.5 * bits_of(line_format) * 1e9 / baud


def edges(
    content: bytes, baud: int, gap_ns: float = 0.0, line_format: int = FORMAT_8N1, damaged: int = -1
) -> Iterator[tuple[float, bool]]:
    """Yield `(ns after the first start bit began, level)` for each change of the line.

    In the character with the number `damaged` the bit behind the data is the wrong one: parity or stop bit.
    """
    bit_ns = 1e9 / baud
    bits = bits_of(line_format)
    level = True
    for number, value in enumerate(content):
        start_ns = number * (bits * bit_ns + gap_ns)
        word = word_of(value, line_format) ^ (0x200 if number == damaged else 0)
        for place in range(bits):
            wanted = bool(word >> place & 1)
            if wanted != level:
                level = wanted
                yield start_ns + place * bit_ns, level
    if not level:
        yield len(content) * (bits * bit_ns + gap_ns), True


class Decoder:
    """Makes characters of the edges of a line, as a receiver does that samples in the middle of each bit.

    `on_character(value, start_ns, end_ns)` is called as `advance` passes the middle of the last stop bit;
    the value is negative where a stop bit was missing or the parity wrong. `worst_part` is the worst
    deviation of an edge within a character from its place, as a part of a bit.
    """

    def __init__(
        self, baud: int, on_character: Callable[[int, float, float], None], line_format: int = FORMAT_8N1
    ) -> None:
        self.baud = baud
        self.line_format = line_format
        self.worst_part = 0.0
        self._on_character = on_character
        self._level = True
        self._edges: list[tuple[float, bool]] = []  # since the start bit began
        self._start_ns = -1.0

    @property
    def due_ns(self) -> float:
        """When the character under way can be decoded; negative: none is."""
        if self._start_ns < 0:
            return -1.0
        return self._start_ns + (bits_of(self.line_format) - 0.5) * 1e9 / self.baud

    def edge(self, t_ns: float, level: bool) -> None:
        """The line changes."""
        self.advance(t_ns)
        if level == self._level:
            return
        self._level = level
        if self._start_ns < 0:
            if not level:
                self._start_ns = t_ns
                self._edges = []
            return
        self._edges.append((t_ns, level))
        place = (t_ns - self._start_ns) * self.baud / 1e9
        self.worst_part = max(self.worst_part, abs(place - round(place)))

    def advance(self, t_ns: float) -> None:
        """Time passes."""
        if not 0 <= self.due_ns <= t_ns:
            return
        bit_ns = 1e9 / self.baud
        bits = bits_of(self.line_format)
        word, level, waiting = 0, False, list(self._edges)
        for place in range(bits):
            middle_ns = self._start_ns + (place + 0.5) * bit_ns
            while waiting and waiting[0][0] <= middle_ns:
                level = waiting.pop(0)[1]
            word |= level << place
        start_ns, self._start_ns = self._start_ns, -1.0
        value = word >> 1 & 0xFF
        good = word == word_of(value, self.line_format)
        self._on_character(value if good else -1, start_ns, start_ns + bits * bit_ns)
        if good and waiting and not waiting[-1][1]:  # the next start bit came early
            self._start_ns, self._edges = waiting[-1][0], []


@dataclass
class Exchange:
    """A request and what the box did with it. Times in ns; negative: it did not happen."""

    request: bytes
    baud: int
    line_format: int = FORMAT_8N1
    request_end_ns: float = -1.0  # end of its last stop bit
    driver_on_ns: float = -1.0  # DE rises
    reply_start_ns: float = -1.0  # the reply's first start bit begins
    reply_end_ns: float = -1.0  # end of its last stop bit
    driver_off_ns: float = -1.0  # DE falls
    reply: bytearray = field(default_factory=bytearray)
    damaged: int = 0  # characters that were not in this format

    @property
    def done(self) -> bool:
        """A reply was sent and the driver is off again."""
        return self.driver_off_ns >= 0

    @property
    def latency_us(self) -> float:
        """Time from t3.5 after the request until the reply begins."""
        return (self.reply_start_ns - self.request_end_ns - t35_ns(self.baud, self.line_format)) / 1000

    @property
    def release_us(self) -> float:
        """Time from the end of the reply's last stop bit until the driver is off."""
        return (self.driver_off_ns - self.reply_end_ns) / 1000


class Rs485Line:
    """The line with a master on it.

    `violations` holds `(t_ns, what)`: characters sent without the driver, both ends sending at once.
    """

    def __init__(
        self, baud: int = 9600, tx: int = 0, rx: int = 1, de: int = 2, line_format: int = FORMAT_8N1
    ) -> None:
        self.exchanges: list[Exchange] = []
        self.violations: list[tuple[float, str]] = []
        self.on_bytes: Callable[[bytes], None] | None = None  # what the box says, character by character
        self._pins = (tx, rx, de)
        self._decoder = Decoder(baud, self._character, line_format)
        self._driving = False
        self._busy_until_ns = 0.0  # the master sends
        self._bus = True  # the level that the master gives the line

    @property
    def baud(self) -> int:
        """The master's baud rate."""
        return self._decoder.baud

    @baud.setter
    def baud(self, baud: int) -> None:
        self._decoder.baud = baud

    @property
    def line_format(self) -> int:
        """The master's format (rtu_timing.FORMAT_...)."""
        return self._decoder.line_format

    @line_format.setter
    def line_format(self, line_format: int) -> None:
        self._decoder.line_format = line_format

    @property
    def worst_part(self) -> float:
        """Worst deviation of the box's edges, as a part of a bit."""
        return self._decoder.worst_part

    def attach(self, machine: Machine) -> None:
        """Connect to the pins."""
        self._machine = machine
        self._timer = machine.alarm(self._look)
        self._listen()
        machine.on_edge(self._pins[2], self._de_changed)
        self._put(True)

    def _listen(self) -> None:
        """Hear what the box says."""
        self._machine.on_edge(self._pins[0], self._tx_changed)

    def _put(self, level: bool) -> None:
        """Let the box hear a level."""
        self._machine.drive(self._pins[1], level)

    # -- the master ----------------------------------------------------------------------------------

    def send(self, request: bytes, after_s: float = 0.0, gap_ns: float = 0.0, damaged: int = -1) -> Exchange:
        """Begin to send `after_s` from now, once the line is free; `gap_ns` are put between characters.

        The character with the number `damaged` has a wrong parity bit or, where there is none, stop bit.
        """
        machine = self._machine
        exchange = Exchange(bytes(request), self.baud, self.line_format)
        self.exchanges.append(exchange)
        start_ns = max(
            machine.now_ns + after_s * 1e9, self._busy_until_ns + t35_ns(self.baud, self.line_format)
        )
        length_ns = len(request) * bits_of(self.line_format) * 1e9 / self.baud
        length_ns += max(0, len(request) - 1) * gap_ns
        exchange.request_end_ns = self._busy_until_ns = start_ns + length_ns
        self._follow(edges(request, self.baud, gap_ns, self.line_format, damaged), start_ns)
        return exchange

    def ask(self, request: bytes, timeout_s: float = 0.5, damaged: int = -1) -> Exchange:
        """Send a request and run the machine until the reply is over or the time is; look at `done`."""
        exchange = self.send(request, damaged=damaged)
        end_ns = exchange.request_end_ns + timeout_s * 1e9
        machine = self._machine
        machine.run_until(
            lambda: exchange.done or machine.now_ns >= end_ns, timeout_s + (end_ns - machine.now_ns) / 1e9
        )
        return exchange

    def _follow(self, changes: Iterator[tuple[float, bool]], start_ns: float) -> None:
        """Drive the changes one after the other, each as its time comes."""
        machine = self._machine
        level = True

        def change() -> None:
            self._bus = level
            if not self._driving:
                self._put(level)
            go_on()

        alarm = machine.alarm(change)

        def go_on() -> None:
            nonlocal level
            following = next(changes, None)
            if following is not None:
                at_ns, level = start_ns + following[0], following[1]
                alarm.schedule(max(0.0, at_ns - machine.now_ns))

        go_on()

    # -- the box -------------------------------------------------------------------------------------

    def _tx_changed(self, t_ns: float, level: bool | None) -> None:
        high = level is not False
        self._decoder.edge(t_ns, high)
        if self._decoder.due_ns >= 0:
            self._timer.schedule(self._decoder.due_ns - t_ns + CYCLE_NS)
        if not high and not self._driving:
            self.violations.append((t_ns, "sends while its driver is off"))

    def _look(self) -> None:
        self._decoder.advance(self._machine.now_ns)

    def _de_changed(self, t_ns: float, level: bool | None) -> None:
        on = level is True
        if on == self._driving:
            return
        self._driving = on
        self._decoder.advance(t_ns)
        self._put(True if on else self._bus)
        if on and t_ns < self._busy_until_ns:
            self.violations.append((t_ns, "its driver comes on while the master sends"))
        exchange = self.exchanges[-1] if self.exchanges else None
        if exchange is None:
            if on:
                self.violations.append((t_ns, "its driver comes on, and nobody has asked"))
        elif on:
            exchange.driver_on_ns = t_ns
        else:
            exchange.driver_off_ns = t_ns

    def _character(self, value: int, start_ns: float, end_ns: float) -> None:
        if self.exchanges:
            exchange = self.exchanges[-1]
            if exchange.reply_start_ns < 0:
                exchange.reply_start_ns = start_ns
            exchange.reply_end_ns = end_ns
            if value < 0:
                exchange.damaged += 1
            else:
                exchange.reply.append(value)
        if self.on_bytes is not None and value >= 0:
            self.on_bytes(bytes((value,)))


class UartLine(Rs485Line):
    """The same line, with the same master, at a UART of the chip: for programs that use `machine.UART`.

    The emulated UART hands over whole characters and has no levels at its pins. So what the master sends
    is made characters of as a receiver does it, and what the UART has sent is heard as a character at the
    end of its stop bit, at the bit rate that the UART was set to.
    """

    def __init__(self, uart: int = 0, baud: int = 9600, de: int = 2) -> None:
        super().__init__(baud, de=de)
        self._number = uart
        self._worst = 0.0
        self._receiver = Decoder(baud, self._received)
        self._arriving: list[tuple[float, int]] = []  # end of the stop bit in ns, character

    @property
    def worst_part(self) -> float:
        """Worst deviation of the last bit of a character, as a part of a bit."""
        return self._worst

    def _listen(self) -> None:
        machine = self._machine
        self._uart: Any = machine.chip.uart[self._number]
        self._uart.on_byte = self._sent
        self._middle = machine.alarm(lambda: self._receiver.advance(machine.now_ns))
        self._arrival = machine.alarm(self._arrived)

    def _put(self, level: bool) -> None:
        machine = self._machine
        self._receiver.baud = self.baud
        self._receiver.edge(machine.now_ns, level)
        if self._receiver.due_ns >= 0:
            self._middle.schedule(max(0.0, self._receiver.due_ns - machine.now_ns) + CYCLE_NS)

    def _received(self, value: int, _start_ns: float, end_ns: float) -> None:
        if value >= 0:  # the UART would mark it as damaged; no master here sends such
            self._arriving.append((end_ns, value))
            self._arrival.schedule(max(0.0, self._arriving[0][0] - self._machine.now_ns))

    def _arrived(self) -> None:
        _end_ns, value = self._arriving.pop(0)
        self._uart.feed_byte(value)
        if self._arriving:
            self._arrival.schedule(max(0.0, self._arriving[0][0] - self._machine.now_ns))

    def _sent(self, value: int) -> None:
        end_ns, length_ns = self._machine.now_ns, self._uart.char_ns
        self._worst = max(self._worst, abs(length_ns * self.baud / 1e9 - bits_of(FORMAT_8N1)))
        if not self._driving or self.exchanges[-1].driver_on_ns > end_ns - length_ns:
            self.violations.append((end_ns, "sends while its driver is off"))
        self._character(value, end_ns - length_ns, end_ns)

"""The RS485 line at the Pico's pins: a master that sends bit by bit, and a listener that measures.

Rate and format are the master's to choose. The transceiver is part of it: it puts TX on the bus while DE
is high, and holds RX high meanwhile, as the box's wiring has it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

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
        tx, self._rx, de = self._pins
        self._timer = machine.alarm(self._look)
        machine.on_edge(tx, self._tx_changed)
        machine.on_edge(de, self._de_changed)
        machine.drive(self._rx, True)

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
                machine.drive(self._rx, level)
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
        self._machine.drive(self._rx, True if on else self._bus)
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

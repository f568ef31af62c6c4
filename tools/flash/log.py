"""Print what a running box says on its console, without disturbing it: `python -m tools.flash.log`.

First the events that the box has kept, then whatever it says, until Ctrl-C. In the traceback of a crash the
functions have their names of the sources, as far as these are the ones that the board was flashed with.
"""

import argparse
import sys
import time
from typing import NoReturn

import serial

from tools.flash import build
from tools.flash.link import PATIENCE_S, LinkError, open_console, say_which_port

_ASK = b"log\r"  # a console's Enter; the box never sees a Ctrl-C from here
_PROMPT = b">>>"


class CommandLine(argparse.ArgumentParser):
    """A parser whose complaints are one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"log: {message}\n")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = CommandLine(prog="python -m tools.flash.log", description=__doc__)
    line.add_argument("--port", default="", help="the board's serial port, such as /dev/ttyACM0")
    line.add_argument("--seconds", type=float, metavar="S", help="stop after S seconds (default: at Ctrl-C)")
    line.add_argument("--patience", type=float, default=PATIENCE_S, metavar="S", help=argparse.SUPPRESS)
    return line


class Lines:
    """Prints whole lines, and what has begun when nothing more comes for a moment."""

    def __init__(self) -> None:
        self._begun = ""

    def show(self, piece: str) -> None:
        """Print what came; an empty piece says that nothing did."""
        *lines, self._begun = (self._begun + piece).split("\n")
        for line in lines:
            sys.stdout.write(build.told(line) + "\n")
        if not piece:
            sys.stdout.write(self._begun)
            self._begun = ""
        sys.stdout.flush()


def follow(console: serial.Serial, seconds: float | None, patience_s: float) -> None:
    """Print what arrives for `seconds` (None: for ever). Raises LinkError when no box is there."""
    console.write(_ASK)
    start = time.monotonic()
    said = b""  # the last of it, where a prompt may stand
    lines = Lines()
    while seconds is None or time.monotonic() - start < seconds:
        piece = console.read(256)
        lines.show(piece.decode(errors="replace").replace("\r", ""))
        if not said and not piece and time.monotonic() - start > patience_s:
            raise LinkError("the board says nothing: no box runs there. make flash starts one")
        said = (said + piece)[-16:]
        if said.rstrip().endswith(_PROMPT):
            lines.show("")
            raise LinkError(
                "the box does not run: the board is at MicroPython's prompt. make flash starts it"
            )
    lines.show("")


def main(arguments: list[str] | None = None) -> int:
    line = parser()
    wanted = line.parse_args(arguments)
    if not wanted.port:
        line.error(say_which_port("log"))
    try:
        with open_console(wanted.port, wanted.patience) as console:
            follow(console, wanted.seconds, wanted.patience)
    except LinkError as error:
        print(f"log: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"log: port {wanted.port}: the connection was lost ({error})", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""mpremote's terminal on the board's console: `python -m tools.flash.repl --port PORT`."""

import argparse
import subprocess
import sys
from typing import NoReturn

from tools.flash.link import PATIENCE_S, LinkError, open_console, say_which_port


class CommandLine(argparse.ArgumentParser):
    """A parser whose complaints are one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"repl: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    """Run mpremote until it is left; return its exit code, or 1 where the port cannot be opened."""
    line = CommandLine(prog="python -m tools.flash.repl", description=__doc__)
    line.add_argument("--port", default="", help="the board's serial port, such as /dev/ttyACM0")
    port = line.parse_args(arguments).port
    if not port:
        line.error(say_which_port("repl"))
    try:
        open_console(port, PATIENCE_S).close()  # mpremote does not say why it cannot open a port
    except LinkError as error:
        print(f"repl: {error}", file=sys.stderr)
        return 1
    print(
        "A running box answers status, log and help. Ctrl-C stops it, coils off; Ctrl-] leaves this terminal."
    )
    sys.stdout.flush()
    return subprocess.call([sys.executable, "-m", "mpremote", "connect", port, "repl"])


if __name__ == "__main__":
    sys.exit(main())

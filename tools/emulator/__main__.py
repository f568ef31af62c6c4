"""`python -m tools.emulator`: the box, flashed onto an emulated Pico, with the simulated plant at its pins.

Prints the board's console and what the plant does, each with the emulated time, and opens two
pseudo-terminals: the console (for mpremote) and the RS485 line (for a Modbus master).
"""

import argparse
import sys
import time
from pathlib import Path

from tools.emulator import image
from tools.emulator.filesystem import FilesystemError
from tools.flash.build import DEFAULT_BOARD, BuildError

BUILD = Path(__file__).parent.parent.parent / "build"
_PACE_NS = 10e6


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.emulator", description=__doc__)
    parser.add_argument("--board", default=DEFAULT_BOARD, help="board file, as for make flash (%(default)s)")
    parser.add_argument("--uf2", type=Path, help=f"MicroPython image (else ${image.VARIABLE}, or a download)")
    parser.add_argument("--scenario", type=Path, metavar="FILE", help="steps of the plant, as for make run")
    parser.add_argument("--seconds", type=float, metavar="S", help="end after this emulated time")
    parser.add_argument(
        "--no-soc", action="store_true", help="do not tell the box the battery's state of charge"
    )
    parser.add_argument("--fast", action="store_true", help="never wait for the wall clock")
    parser.add_argument("--console", type=Path, default=BUILD / "emulator-console.tty", metavar="LINK")
    parser.add_argument("--rs485", type=Path, default=BUILD / "emulator-rs485.tty", metavar="LINK")
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except (image.ImageError, BuildError, FilesystemError, ValueError) as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    from tools.simulator import scenario

    steps = scenario.load(options.scenario) if options.scenario else []
    uf2 = options.uf2 or image.fetch()

    from tools.emulator.box import SOC_REGISTER, Box, register
    from tools.emulator.machine import SLOW_BECAUSE
    from tools.emulator.terminals import Terminal, connect_console, connect_line
    from tools.simulator.events import line

    if SLOW_BECAUSE:
        print(f"emulator: ten times slower than need be: {SLOW_BECAUSE}", file=sys.stderr)
    box = Box(options.board, uf2=uf2)
    machine = box.machine
    box.play(steps)
    if not options.no_soc:
        box.tell_soc(register(SOC_REGISTER))

    def show(text: str) -> None:
        print(text, flush=True)

    machine.console.on_line.append(lambda said: show(f"{said.t_ns / 1e9:11.4f} s  console  {said.text}"))
    box.plant.on_event.append(lambda event: show(line(event)))
    console, rs485 = Terminal(options.console), Terminal(options.rs485)
    connect_console(machine, console)
    connect_line(machine, box.line, rs485)
    print(f"emulator: console at {options.console}, RS485 at {options.rs485}; Ctrl-C ends")
    began = time.monotonic()
    if not options.fast:
        _keep_pace(machine, began)
    try:
        machine.run(options.seconds or 1e9)
    except KeyboardInterrupt:
        print()
    finally:
        console.close()
        rs485.close()
        took = time.monotonic() - began
        print(f"emulator: {machine.now_s:.3f} emulated seconds in {took:.1f} s")
    return 0


def _keep_pace(machine, began: float) -> None:
    """Let emulated time never run ahead of the wall clock, for people and their programs."""

    def wait() -> None:
        ahead = machine.now_s - (time.monotonic() - began)
        if ahead > 0:
            time.sleep(ahead)
        alarm.schedule(_PACE_NS)

    alarm = machine.alarm(wait)
    alarm.schedule(_PACE_NS)


if __name__ == "__main__":
    sys.exit(main())

"""Bring the firmware onto a board, or take it off: `python -m tools.flash --help`."""

import argparse
import sys
import time
from typing import NoReturn

from tools import cpython
from tools.flash import build, update
from tools.flash.build import BuildError
from tools.flash.files import Files, Listing
from tools.flash.link import PATIENCE_S, Link, LinkError, connect, open_console, say_which_port

DESCRIPTION = """\
Bring the firmware onto a Pico with MicroPython 1.28 or newer: the running box is stopped, its coils off; what
has changed is compiled, copied and read back; the box is started again. Settings, calibration and counters
(/data on the board) are kept.
"""
_RESTART_S = 10.0  # until a restarted board is back on the bus
_SETTLE_S = 1.5  # so long nothing more is said: these were the first lines


class CommandLine(argparse.ArgumentParser):
    """A parser whose complaints are one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"flash: {message}\n")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = CommandLine(prog="python -m tools.flash", description=DESCRIPTION)
    line.add_argument("--port", default="", help="the board's serial port, such as /dev/ttyACM0")
    line.add_argument(
        "--board",
        metavar="NAME",
        help=f"the board file the box starts with (default: as before, at first {build.DEFAULT_BOARD})",
    )
    line.add_argument("--erase", action="store_true", help="remove the firmware; needs --yes")
    line.add_argument(
        "--all", action="store_true", help="with --erase: settings, calibration and counters too"
    )
    line.add_argument("--yes", action="store_true", help="with --erase: yes, remove it")
    line.add_argument("--no-start", action="store_true", help="leave the board stopped")
    line.add_argument(
        "--patience",
        type=float,
        default=PATIENCE_S,
        metavar="S",
        help=f"seconds of silence after which a board does not answer (default {PATIENCE_S:.0f})",
    )
    return line


def refuse_board(platform: str, machine: str, version: tuple, mpy: int, wanted_mpy: int) -> str:
    """Return why a board cannot run the box, or an empty string."""
    cpython.install()
    from firmware.hardware.interpreter import refuse_interpreter

    if platform != "rp2" or "RP2040" not in machine:
        return f"the box needs an RP2040 (a Raspberry Pi Pico); this board is {machine or platform}"
    reason = refuse_interpreter("micropython", version)
    if reason:
        return f"{reason}. How to install it: docs/flashing.md"
    if mpy != wanted_mpy:
        return (
            f"this MicroPython takes compiled files of format {mpy:#06x}, mpy-cross makes {wanted_mpy:#06x}: "
            "install the MicroPython that docs/flashing.md names"
        )
    return ""


def check_board(link: Link, wanted_mpy: int) -> str:
    """Return what the board is; raises LinkError for one that cannot run the box."""
    found = link.run(
        "import sys\nv = sys.implementation\n"
        "print(sys.platform)\nprint(getattr(v, '_machine', ''))\nprint(*v.version[:3])\n"
        "print(v.version[3] if len(v.version) > 3 else '')\nprint(getattr(v, '_mpy', 0))"
    ).split("\n")
    platform, machine, numbers, suffix, mpy = found[:5]
    version = (*[int(part) for part in numbers.split()], suffix)
    reason = refuse_board(platform, machine, version, int(mpy), wanted_mpy)
    if reason:
        raise LinkError(reason)
    return f"{machine}, MicroPython {'.'.join(numbers.split())}{'-' + suffix if suffix else ''}"


def flash(link: Link, board: str | None) -> None:
    """Bring the firmware onto a board that was stopped, and say what was done."""
    wanted_mpy = build.mpy_format(build.build_tree())
    print(f"board      {check_board(link, wanted_mpy)}")
    files = Files(link)
    found = files.listing(update.OURS, build.FOLDER)
    kept = update.chosen_board(files, found) if board is None else None
    chosen = board or kept or build.DEFAULT_BOARD
    tree = build.build_tree(chosen)
    print(f"firmware   {build.title(tree[build.MANIFEST])}, starts board_{chosen}.py")
    if update.MARKER in found.files:
        print("           the last copy was not finished; it is now")
    done = update.update(files, tree, found, print)
    print(
        f"copied     {done.copied} files, {done.copied_bytes} bytes; "
        f"unchanged {done.unchanged} files; removed {done.removed}"
    )
    print(
        f"flash      {done.used_bytes // 1024} KB used, {done.free_bytes // 1024} KB free; /data not touched"
    )
    _print_others(found)


def erase(link: Link, everything: bool) -> None:
    """Remove the firmware from a board that was stopped."""
    files = Files(link)
    update.erase(files, files.listing(update.OURS, build.FOLDER), everything, print)
    whole, free = files.space()
    print(f"flash      {(whole - free) // 1024} KB used, {free // 1024} KB free")
    if not everything:
        print(f"kept       {update.DATA} (settings, calibration, counters) and the choice of the board")
    print("The coil pins float from now on: only their pull-downs hold the coils off.")


def first_lines(port: str, patience_s: float) -> list[str]:
    """Return what the console says first after a restart, and its answer to `status`."""
    said = b""
    with open_console(port, patience_s, _RESTART_S) as console:
        console.write(b"status\r")
        deadline, quiet = time.monotonic() + patience_s, 0.0
        while time.monotonic() < deadline and (not said or quiet < _SETTLE_S):
            piece = console.read(256)
            said += piece
            quiet = 0.0 if piece else quiet + 0.1
    return said.decode(errors="replace").replace("\r", "").splitlines()


def _print_others(found: Listing) -> None:
    others = [path for path in found.others if path != update.DATA + "/"]
    if others:
        print(f"left alone {', '.join(others)}: not the box's")


def main(arguments: list[str] | None = None) -> int:
    line = parser()
    wanted = line.parse_args(arguments)
    if not wanted.port:
        line.error(say_which_port("flash"))
    if wanted.erase and not wanted.yes:
        line.error(
            "--erase removes the firmware from the board; add --yes if that is meant (ARGS=--yes with make)"
        )
    if wanted.all and not wanted.erase:
        line.error("--all goes with --erase")
    if wanted.board is not None and wanted.board not in build.board_names():
        line.error(f"there is no board {wanted.board}: the board files are {', '.join(build.board_names())}")
    try:
        with connect(wanted.port, wanted.patience) as link:
            if wanted.erase:
                erase(link, wanted.all)
                return 0
            flash(link, wanted.board)
            if wanted.no_start:
                return 0
            link.reset()
        said = first_lines(wanted.port, wanted.patience)
    except (BuildError, LinkError) as error:
        print(f"flash: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "flash: interrupted; what is on the board may be incomplete, run make flash again",
            file=sys.stderr,
        )
        return 1
    if any(text.startswith(">>>") for text in said):
        print("The box does not run: the board is at MicroPython's prompt. It says:")
    else:
        print("started; the box says:" if said else "started; make log shows what the box says")
    for text in said:
        print("  " + build.told(text))
    return 1 if any(text.startswith(">>>") for text in said) else 0


if __name__ == "__main__":
    sys.exit(main())

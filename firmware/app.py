"""Finds the board, builds the box on it and runs the loop. The one handler of last resort is here."""

import sys

import micropython

from firmware.box import Box
from firmware.hardware.board import BoardError, PinMapError, refuse_interpreter


def find_board():
    """Return the board of this chip with every coil off. Raises BoardError or PinMapError with the reason."""
    reason = refuse_interpreter(sys.implementation.name, sys.implementation.version)
    if reason:
        raise BoardError(reason)
    platform: str = sys.platform
    if platform == "rp2":
        from firmware.hardware.on_rp2 import build
    elif platform == "esp32":
        from firmware.hardware.on_esp32 import build  # type: ignore[assignment]
    else:
        raise BoardError("there is no board file for the platform %s; on a host: make run" % sys.platform)
    return build()


def run() -> None:
    """Run the box until Ctrl-C or a crash; either way every coil is off afterwards.

    After a crash nothing feeds the watchdog any more, so that the chip restarts.
    """
    micropython.alloc_emergency_exception_buf(100)
    try:
        board = find_board()
    except (BoardError, PinMapError) as error:
        print("backup box: not started, coils off: %s" % error)
        return
    loop(board)


def loop(board) -> None:
    """Build the box on a board and turn it for ever."""
    try:
        box = Box(board)
        box.log.listener = _print_event
        if board.sampler is not None:
            board.sampler.start(box.front_end.on_block)
        while True:
            box.step(board.ticks_us())
    except KeyboardInterrupt:
        print("backup box: stopped at the console")
    except Exception as error:  # the one catch-all: whatever it was, the coils go off and the reason is told
        board.coils.write(0, board.coils.trips)
        print("backup box: crashed, coils off, restart by the watchdog:")
        sys.print_exception(error)  # type: ignore[attr-defined]
    finally:
        board.coils.write(0, board.coils.trips)


def _print_event(event: tuple) -> None:
    t_ms, name, fields = event
    print("%10.3f %s %s" % (t_ms / 1000, name, " ".join("%s=%s" % (k, fields[k]) for k in fields)))

"""Finds the board, builds the box on it and runs the loop. The one handler of last resort is here."""

import gc
import sys

import micropython
from micropython import const

from firmware.hardware.board import BoardError, PinMapError
from firmware.hardware.heap import forget, forget_making
from firmware.store import crash_log

CRASHES = const(3)  # within this many restarts the box gives up and stays in safe mode
SOUND_MS = const(600000)  # after running this long the count begins anew
_DISPLAY_TURNS = const(200)  # a page is 80 characters, a turn writes some of them


def find_board():
    """Return the board of this chip with every coil off. Raises BoardError or PinMapError with the reason.

    The code that only chooses, checks and makes it is not kept: on a Pico that is 9 KB.
    """
    from firmware.hardware.interpreter import refuse_interpreter

    reason = refuse_interpreter(sys.implementation.name, sys.implementation.version)
    if reason:
        raise BoardError(reason)
    platform: str = sys.platform
    if platform == "rp2":
        from firmware.hardware.on_rp2 import chosen
    elif platform == "esp32":
        from firmware.hardware.on_esp32 import chosen  # type: ignore[assignment]
    else:
        raise BoardError("there is no board file for the platform %s; on a host: make run" % sys.platform)
    board = chosen()
    forget(board.start_only)
    forget_making(board.made_once)
    board.made_once = ()
    return board


def run() -> None:
    """Run the box until Ctrl-C or a crash; either way every coil is off afterwards.

    After a crash nothing feeds the watchdog any more, so that the chip restarts; after the third in
    a row it stays in safe mode. The board comes first and the box is loaded afterwards: the sample
    rings need large pieces of memory, and code would leave none.
    """
    micropython.alloc_emergency_exception_buf(100)
    try:
        board = find_board()
    except (BoardError, PinMapError) as error:
        print("backup box: not started, coils off: %s" % error)
        return
    if board.restarts.count >= CRASHES:
        from firmware.safe_mode import stay

        stay(board)
    else:
        loop(board, True)


def loop(board, only: bool = False) -> None:
    """Build the box on a board and turn it for ever.

    `only`: this interpreter makes no other box, so the code that made this one is not kept.
    """
    board.restarts.running()
    try:
        _turn(board, only)
    except KeyboardInterrupt:
        _stop(board)
        board.restarts.stop_watchdog()
        print("backup box: stopped at the console, coils off; a reset starts it again")
    except Exception as error:  # the one catch-all: whatever it was, the coils go off and the reason is told
        _stop(board)
        _tell(board, error)
    finally:
        _stop(board)


def _build(board) -> tuple:
    """Return the box, and what is kept of crashes before."""
    # First: a string in a table of the registers takes no memory where it names an attribute by then.
    import firmware.measure.readings  # noqa: F401
    from firmware.box import Box
    from firmware.publish.events import event_line

    terminal = board.console
    box = Box(board)
    if hasattr(gc, "threshold"):  # CPython has another collector
        gc.threshold(-1)  # everything is loaded: from here on the box chooses the moments itself
    if board.restarts.now:
        box.log.add("restarted_by_watchdog", times=board.restarts.count)
    for event in box.log.entries:
        terminal.write(event_line(event))
    box.log.listener = lambda event: terminal.write(event_line(event))
    return box, crash_log.read(board.storage)


def _turn(board, only: bool) -> None:
    restarts, sampler, terminal = board.restarts, board.sampler, board.console
    box, crashes = _build(board)
    if only:
        from firmware.start_only import forget_start

        forget_start()
    terminal.take_interrupts()
    if sampler is not None:
        sampler.start(box.front_end.on_block)
    while True:
        now_us = board.ticks_us()
        box.step(now_us)
        if sampler is not None:
            sampler.check(board.ticks_us())  # a write to flash may have taken long since
        line = terminal.step()
        if line is not None:
            _answer(terminal, box, crashes, line)
        if restarts.count and box.uptime_ms >= SOUND_MS:
            restarts.clear()


def _answer(terminal, box, crashes: str, line: str) -> None:
    from firmware.console import answer

    for text in answer(box, crashes, line):
        terminal.write(text)
    forget(("firmware.console",))


def _stop(board) -> None:
    """Every coil off, and no interrupt that could trip or crash any more."""
    board.coils.write(0, board.coils.trips)
    if board.sampler is not None:
        board.sampler.stop()


def _tell(board, error) -> None:
    """Say on console and display why, and keep it for after the restart."""
    gc.collect()
    print("backup box: crashed, coils off, restart by the watchdog:")
    sys.print_exception(error)  # type: ignore[attr-defined]
    reason = "%s: %s" % (type(error).__name__, error)
    crash_log.add(board.storage, reason)
    if board.display is not None:
        lines = ["%-20s" % line[:20] for line in ("CRASHED, COILS OFF", reason, reason[20:], "restarting")]
        for _ in range(_DISPLAY_TURNS):
            board.display.show(lines)

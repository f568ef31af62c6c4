"""Start the box. Where even its files cannot be loaded, say so, with the coils off as boot.py left them."""

import gc
import os
import sys


def start() -> None:
    """Run the box, or tell why there is none to run."""
    if "incomplete" in os.listdir("/"):
        print(
            "backup box: not started, coils off: copying the firmware was not finished; run make flash again"
        )
        return
    gc.threshold(16384)  # type: ignore[attr-defined]  # loading leaves no holes all over the memory
    try:
        from firmware.app import run

        run()
    except Exception as error:  # a missing file, an old MicroPython, no memory: it is told
        version = ".".join([str(part) for part in sys.implementation.version[:3]])
        print("backup box: cannot be started, coils off (this is MicroPython %s, 1.28 is needed):" % version)
        sys.print_exception(error)  # type: ignore[attr-defined]
        restart_later(error)


def restart_later(error: Exception) -> None:
    """Show the reason on the display, as far as that goes, and let the watchdog try again."""
    try:
        from firmware.hardware.last_words import show

        show(error)
    except Exception as also:  # nothing is left to show it on; the console has it
        print("backup box: not shown on the display: %s" % also)


start()

"""What CPython lacks to import the firmware: a `micropython` module and the viper pointer names.

Call `install()` before the first import of anything below `firmware`.
"""

import builtins
import pathlib
import sys
import traceback


def _identity(buffer):
    """Stand for viper's `ptr16(x)` and its kin: on CPython an array already indexes by element."""
    return buffer


def install() -> None:
    """Put `micropython` on the path, the viper names into builtins, `print_exception` into `sys`."""
    here = str(pathlib.Path(__file__).parent / "lib")
    if here not in sys.path:
        sys.path.insert(0, here)
    for name in ("ptr", "ptr8", "ptr16", "ptr32", "uint"):
        if not hasattr(builtins, name):
            setattr(builtins, name, _identity)
    if not hasattr(sys, "print_exception"):
        sys.print_exception = traceback.print_exception  # type: ignore[attr-defined]

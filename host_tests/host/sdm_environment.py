"""A virtual environment of its own for sdm_modbus, which needs an older pymodbus than the other tests."""

import fcntl
import functools
import subprocess
import venv

import pytest

from tools import micropython_host

FOLDER = micropython_host.ROOT / "build/sdm"
WANTED = micropython_host.ROOT / "requirements-sdm.txt"
_INSTALL_S = 60


@functools.cache
def _made():
    """Return the Python of the environment, made on first use, and an empty text, or why there is none."""
    FOLDER.parent.mkdir(exist_ok=True)
    interpreter, stamp = FOLDER / "bin/python", FOLDER / "installed.txt"
    with open(FOLDER.parent / "sdm.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs may want it at once
        wanted = WANTED.read_text(encoding="ascii")
        if not stamp.is_file() or stamp.read_text(encoding="ascii") != wanted:
            venv.create(FOLDER, clear=True, with_pip=True)
            reason = _install(interpreter)
            if reason:
                return interpreter, reason
            stamp.write_text(wanted, encoding="ascii")
    return interpreter, ""


def _install(interpreter):
    """Install what is wanted; return why that cannot be done, or an empty text."""
    command = [interpreter, "-m", "pip", "install", "--quiet", "--no-deps", "--retries", "0"]
    command += ["--disable-pip-version-check", "--require-hashes", "-r", WANTED]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
    except subprocess.TimeoutExpired:
        return f"the package index did not answer within {_INSTALL_S} s"
    assert "DO NOT MATCH THE HASHES" not in done.stderr, done.stderr
    if not done.returncode:
        return ""
    return next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "pip failed")


def python():
    """Return the Python of the environment; skips where it cannot be made."""
    interpreter, reason = _made()
    if reason:
        pytest.skip(f"sdm_modbus cannot be installed: {reason}")
    return interpreter


def run(program, *arguments, timeout=60):
    """Run a program's text in it; return what it prints. Fails when it does."""
    command = [str(python()), "-W", "ignore", "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout

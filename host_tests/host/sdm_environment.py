"""A virtual environment of its own for sdm_modbus, which needs an older pymodbus than the other tests."""

import fcntl
import subprocess
import venv

import pytest

from tools import micropython_host

FOLDER = micropython_host.ROOT / "build/sdm"
WANTED = micropython_host.ROOT / "requirements-sdm.txt"
_INSTALL_S = 120


def python():
    """Return the Python of the environment, made on first use; skips where that cannot be done."""
    FOLDER.parent.mkdir(exist_ok=True)
    interpreter, stamp = FOLDER / "bin/python", FOLDER / "installed.txt"
    with open(FOLDER.parent / "sdm.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs may want it at once
        wanted = WANTED.read_text(encoding="ascii")
        if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
            return interpreter
        venv.create(FOLDER, clear=True, with_pip=True)
        command = [interpreter, "-m", "pip", "install", "--quiet", "--no-deps", "--retries", "1"]
        command += ["--disable-pip-version-check", "--require-hashes", "-r", WANTED]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_INSTALL_S, check=False, cwd=FOLDER
        )
        if done.returncode:
            reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "pip failed"
            pytest.skip(f"sdm_modbus cannot be installed: {reason}")
        stamp.write_text(wanted, encoding="ascii")
    return interpreter


def run(program, *arguments, timeout=60):
    """Run a program's text in it; return what it prints. Fails when it does."""
    command = [str(python()), "-W", "ignore", "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout

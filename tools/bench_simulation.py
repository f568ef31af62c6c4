"""Times the simulation inside the interpreter it runs on: `micropython tools/bench_simulation.py`. Portable.

Prints one line a level: its name, the seconds simulated in one run, and how many seconds of processor
time each of the runs took. Every run holds a start, an outage, the transfer to the backup output, the return,
and the state of charge in a Modbus frame every second.
"""

import gc
import sys
import time

_RUNS = 5
# Level, seconds of one run, and when the grid fails and comes back.
_LEVELS = (("sample", 12.0, 4.0, 7.0), ("phasor", 1800.0, 600.0, 900.0))


def processor_s() -> float:
    """Return the processor time of this process in seconds; what else the machine does is not ours."""
    if sys.implementation.name == "micropython":
        return time.clock()  # type: ignore[attr-defined]
    return time.process_time()


def run(level: str, length_s: float, fails_s: float, returns_s: float) -> float:
    """Run once and return how many seconds it took; raises RuntimeError when it was not what it should be."""
    from tools.simulator.simulation import Simulation

    steps = [
        {"at_s": 0, "noise_lsb": 1.0, "pv_w": 1500.0, "soc": 70},
        {"at_s": fails_s, "grid_v": [0.0] * 3},
        {"at_s": returns_s, "grid_v": [230.0] * 3},
    ]
    states: list = []

    def emit(event: dict) -> None:
        if event["event"] == "state":
            states.append(event["state"])

    simulation = Simulation(steps, level, emit)
    gc.collect()
    start_s = processor_s()
    simulation.run_until(length_s * 1000)
    took_s = processor_s() - start_s
    requests = simulation.box.slave.requests
    if states[-1] != "grid" or "backup" not in states or requests < length_s * 0.9:
        raise RuntimeError("not a sound run: %s, %d requests" % (states, requests))
    return took_s


def main() -> None:
    """Time every level."""
    for level, length_s, fails_s, returns_s in _LEVELS:
        took = [run(level, length_s, fails_s, returns_s) for _ in range(_RUNS)]
        print(level, length_s, " ".join(["%.4f" % seconds for seconds in took]))


if __name__ == "__main__":
    if sys.implementation.name == "cpython":
        from tools import cpython

        cpython.install()
    main()

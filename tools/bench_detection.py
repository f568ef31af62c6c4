"""How quickly the detector sees interruptions and dips: `make bench` runs it; portable.

Time from the fall of the voltage to the coil command, in simulated time: it is exact and does not
depend on the machine. A chip adds its interrupt latency and the block function's run time.
"""

import sys

if sys.implementation.name == "cpython":
    from tools import cpython

    cpython.install()

from tools.simulator.detector_bench import DetectorBench

ANGLES = 200
CASES = (
    ("interruption, three phases", [0.0, 0.0, 0.0]),
    ("interruption, one phase", [230.0, 0.0, 230.0]),
    ("rest of 0.1 Un", [23.0, 23.0, 23.0]),
    ("dip to 0.2 Un", [46.0, 46.0, 46.0]),
    ("dip to 0.44 Un", [101.2, 101.2, 101.2]),
    ("dip to 0.44 Un, one phase", [230.0, 230.0, 101.2]),
)


def measure(volts, hz):
    """Return (best, mean, worst) delay in ms over all angles."""
    bench = DetectorBench(hz)
    delays = []
    for n in range(ANGLES):
        after_ms = 5.0 + n * 20.0 / ANGLES
        delay, _reason = bench.trial([(after_ms, {"grid_v": volts})], after_ms + 30.0)
        delays.append(delay)
        bench.plant.set({"grid_v": [230.0] * 3})
        bench.run(65.0 + n * 0.3125)
    return min(delays), sum(delays) / len(delays), max(delays)


def main():
    print("voltage falls to               Hz    best   mean  worst ms  (%d angles each)" % ANGLES)
    for name, volts in CASES:
        for hz in (50.0, 47.6, 51.4):
            print("%-28s %5.1f  %6.2f %6.2f %6.2f" % ((name, hz) + measure(volts, hz)))


if __name__ == "__main__":
    main()

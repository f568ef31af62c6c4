"""Sample blocks for the tests: sines of any frequency, angle, offset and harmonics in a ring."""

import math

from firmware.acquire.calibration import FULL_SCALE_A, FULL_SCALE_V
from firmware.acquire.layout import BLOCK_WORDS, CHANNELS, SCAN_HZ, Ring

COUNTS_PER_V = 2048 / FULL_SCALE_V
COUNTS_PER_A = 2048 / FULL_SCALE_A
ROOT_2 = math.sqrt(2)


class Random:
    """The same pseudo-random numbers on every interpreter (Park and Miller)."""

    def __init__(self, seed=1):
        self._state = seed

    def below(self, n):
        """Return an integer from 0 to n - 1."""
        self._state = self._state * 48271 % 0x7FFFFFFF
        return self._state % n


class Wave:
    """One channel: `rms` in V or A, angle `deg` at time 0, `offset` in counts, `harmonics` {order: part}."""

    def __init__(self, rms, hz=50.0, deg=0.0, offset=0.0, harmonics=None):
        self.rms = rms
        self.hz = hz
        self.deg = deg
        self.offset = offset
        self.harmonics = harmonics or {}

    def counts(self, t_s, per_unit):
        angle = 2 * math.pi * self.hz * t_s + math.radians(self.deg)
        x = math.sin(angle)
        for order in self.harmonics:
            x += self.harmonics[order] * math.sin(order * angle)
        return self.offset + self.rms * ROOT_2 * per_unit * x


def three(rms, hz=50.0, deg=0.0, names="V1 V2 V3", **more):
    """Return the waves of three phases in the right sequence, by channel name."""
    return {name: Wave(rms, hz, deg - 120.0 * n, **more) for n, name in enumerate(names.split())}


def code(counts):
    """Return the converter's code, 0 to 4095."""
    return max(0, min(4095, int(math.floor(2048 + counts + 0.5))))


class Feed:
    """Writes the blocks of `waves` into a ring and hands them to a front end."""

    def __init__(self, front_class=None, calibration=None, phases=3, depth=16):
        self.ring = Ring(depth)
        self.number = 0
        self.waves = {}
        self.front = None
        if front_class is not None:
            self.front = front_class(self.ring, calibration, phases)

    def write(self):
        """Write the next block."""
        base = self.number % self.ring.depth * BLOCK_WORDS
        for name in self.waves:
            channel = CHANNELS.index(name)
            per_unit = COUNTS_PER_A if name[0] in "IP" else COUNTS_PER_V
            words = self.ring.a if channel < 8 else self.ring.b
            for scan in range(8):
                t_s = (self.number * 8 + scan) / SCAN_HZ
                words[base + 8 * scan + channel % 8] = code(self.waves[name].counts(t_s, per_unit))

    def run(self, blocks, collect=True):
        """Feed blocks; collect the readings after each, as the loop does."""
        for _ in range(blocks):
            self.write()
            self.front.on_block(self.number)
            self.number += 1
            if collect:
                self.front.meter.collect()

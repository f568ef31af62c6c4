"""The bench board's sampler: a made-up grid that follows the coils and fails when it is told to."""

import sys

sys.path.insert(0, "host_tests/shims")

import machine

from firmware.acquire.calibration import Calibration
from firmware.acquire.synthetic import DIP, FREQUENCY, INTERRUPTION, L1_LOST, SOUND
from firmware.hardware.synthetic_rp2 import SyntheticSampler
from firmware.signals import DEEP_DIP, K_GRID, PHASE_LOSS
from firmware.signals import INTERRUPTION as OUTAGE
from firmware.store.settings import defaults
from firmware.supervise.front_end import FrontEnd

BLOCK_US = 2500


class Coils:
    """What is energised, and how often K_GRID was tripped."""

    mask = 0
    trips = 0

    def open_grid(self):
        self.mask &= ~K_GRID
        self.trips += 1


class Bench:
    """The sampler before the real front end."""

    def __init__(self):
        machine.power_on()
        machine.stop_logging()
        self.coils = Coils()
        self.sampler = SyntheticSampler(self.coils, lambda: int(machine.now_us()) & 0x3FFFFFFF)
        calibration = Calibration()
        self.front = FrontEnd(self.sampler.ring, calibration, 3)
        self.front.watch.set_limits(defaults(), calibration)
        self.front.open_grid = self.coils.open_grid
        self.sampler.start(self.front.on_block)

    def blocks(self, count):
        machine.advance_us(count * BLOCK_US)


def test_a_sound_grid_is_good_and_its_blocks_are_in_order():
    bench = Bench()
    bench.blocks(40)
    assert bench.front.blocks >= 39 and bench.front.lost_blocks == 0
    assert bench.front.watch.bad() == (0, 0) and bench.front.watch.good_blocks > 20


def test_each_failure_trips_with_its_reason():
    for scene, reason in ((INTERRUPTION, OUTAGE), (L1_LOST, PHASE_LOSS), (DIP, DEEP_DIP)):
        bench = Bench()
        bench.blocks(40)
        bench.coils.mask = K_GRID
        bench.front.watch.arm()
        bench.blocks(40)
        assert bench.coils.trips == 0
        bench.sampler.play(scene)
        bench.blocks(8)
        assert (bench.coils.trips, bench.coils.mask) == (1, 0), scene
        assert bench.front.watch.trip_reason == reason, scene


def test_the_load_bus_follows_the_coils():
    bench = Bench()

    def bus():
        bench.blocks(8)
        words = bench.sampler.ring.a
        return [_swing(words, 3 + phase) for phase in range(3)]

    assert bus() == [False, False, False]
    bench.coils.mask = K_GRID
    bench.blocks(16)
    assert bus() == [True, True, True]
    bench.coils.mask = 2 | 8
    bench.blocks(16)
    assert bus() == [True, False, True]


def _swing(words, slot):
    codes = [words[at] for at in range(slot, len(words), 8)]
    return max(codes) - min(codes) > 2000


def test_an_unknown_scene_is_refused():
    bench = Bench()
    bench.sampler.play(FREQUENCY)
    for scene in (-1, 7):
        try:
            bench.sampler.play(scene)
        except ValueError as error:
            assert str(error) == "scenes are 0 to 6, not %d" % scene
        else:
            raise AssertionError("not refused")
    assert bench.sampler.scene == FREQUENCY
    bench.sampler.play(SOUND)
    assert bench.sampler.scene == SOUND

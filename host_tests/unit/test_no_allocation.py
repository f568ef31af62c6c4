"""The interrupt's work with the heap locked: an allocation there would raise, and end the interrupt."""

from firmware.acquire.calibration import Calibration
from firmware.signals import INTERRUPTION, K_GRID, PHASE_LOSS
from firmware.store.settings import defaults
from firmware.supervise.front_end import FrontEnd
from host_tests.unit.waves import Feed, three

try:
    from micropython import heap_lock, heap_unlock
except ImportError:  # CPython cannot lock its heap: there the run itself is the test

    def heap_lock():
        pass

    def heap_unlock():
        pass


class Coil:
    """What the trip does to the board's coil, without an object made."""

    def __init__(self):
        self.mask = K_GRID
        self.trips = 0
        self.at_block = 0
        self.front = None

    def open_grid(self):
        self.mask = 0
        self.trips += 1
        self.at_block = self.front.blocks


def _feed(phases=3):
    feed = Feed(FrontEnd, Calibration(), phases, depth=176)
    feed.front.watch.set_limits(defaults(), feed.front.calibration)
    coil = Coil()
    coil.front = feed.front
    feed.front.open_grid = coil.open_grid
    return feed, coil


def _locked(on_block, first, blocks):
    """Hand over blocks that lie in the ring already, with the heap locked. Allocates nothing itself."""
    number = first
    end = first + blocks
    heap_lock()
    try:
        while number < end:
            on_block(number)
            number += 1
    finally:
        heap_unlock()


def _fill(feed, blocks):
    for _ in range(blocks):
        feed.write()
        feed.number += 1


def _run(feed, blocks):
    """Feed blocks in portions that the ring can hold."""
    while blocks:
        portion = min(blocks, 100)
        first = feed.number
        _fill(feed, portion)
        _locked(feed.front.on_block, first, portion)
        blocks -= portion


def test_hundreds_of_blocks_and_a_trip_allocate_nothing():
    feed, coil = _feed()
    feed.waves = three(230)
    feed.waves.update(three(30, names="I1 I2 I3"))
    _run(feed, 300)
    feed.front.watch.arm()
    _run(feed, 100)
    assert coil.trips == 0 and coil.mask == K_GRID
    feed.waves = three(0.0)
    _run(feed, 100)
    assert coil.trips == 1 and coil.mask == 0
    assert 401 <= coil.at_block + 1 <= 404, "8 ms are 3.2 blocks"
    assert feed.front.watch.trip_reason == INTERRUPTION
    feed.waves = three(230)
    _run(feed, 200)
    assert feed.front.blocks == 700 and feed.front.lost_blocks == 0
    assert feed.front.watch.good_blocks > 150


def test_an_overrun_and_a_gap_allocate_nothing():
    feed, coil = _feed()
    feed.waves = three(230)
    _run(feed, 1000)  # 25 hops that nobody takes
    first = feed.number + 7
    _fill(feed, 100)
    _locked(feed.front.on_block, first, 90)
    assert feed.front.lost_blocks == 7
    assert feed.front.meter.collect() is False
    feed.number = first + 90
    _run(feed, 100)
    assert feed.front.meter.collect()
    assert abs(feed.front.meter.readings.v_cv[0] - 23000) < 100


def test_railed_inputs_allocate_nothing():
    feed, coil = _feed()
    feed.waves = three(2000.0)  # clipped to a square wave
    feed.waves.update(three(1000.0, names="I1 I2 I3"))
    feed.front.watch.arm()
    _run(feed, 500)
    assert coil.trips == 1
    for channel in range(3):
        assert feed.front.levels.level[channel] <= 1 << 28


def test_every_kind_of_judgement_allocates_nothing():
    for rms, reason in (
        ((0.0, 230, 230), PHASE_LOSS),
        ((70.0, 230, 230), 3),
        ((170.0, 230, 230), 4),
        ((275, 230, 230), 5),
    ):
        feed, coil = _feed()
        feed.waves = three(230)
        _run(feed, 100)
        feed.front.watch.arm()
        for n in range(3):
            feed.waves["V%d" % (n + 1)].rms = rms[n]
        _run(feed, 100)
        assert coil.trips == 1 and feed.front.watch.trip_reason == reason, (rms, feed.front.watch.trip_reason)
        assert feed.front.watch.trip_phase == 1


def test_a_front_end_without_a_trip_function_goes_on():
    feed = Feed(FrontEnd, Calibration(), depth=176)
    feed.front.watch.set_limits(defaults(), feed.front.calibration)
    feed.waves = three(0.0)
    feed.front.watch.arm()
    _run(feed, 20)
    assert feed.front.watch.trip_reason and feed.front.blocks == 20


def test_a_single_phase_board_allocates_nothing():
    feed, coil = _feed(phases=1)
    feed.waves = {"V1": three(230)["V1"]}
    _run(feed, 100)
    feed.front.watch.arm()
    _run(feed, 100)
    assert coil.trips == 0 and feed.front.watch.good_blocks > 80
    feed.waves["V1"].rms = 0.0
    _run(feed, 20)
    assert coil.trips == 1 and feed.front.watch.trip_reason == INTERRUPTION


def test_the_lock_would_be_noticed():
    """Unless this interpreter cannot lock: then there is nothing to notice."""
    import sys

    if sys.implementation.name != "micropython":
        return

    def greedy(number):
        return [number, number]

    try:
        _locked(greedy, 0, 1)
    except MemoryError:
        return
    raise AssertionError("the locked heap let an allocation through")

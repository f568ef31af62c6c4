"""When memory is collected: after replies, in quiet moments, and sooner the less there is."""

from firmware.collector import Collector


class Heap:
    """Has `free` bytes after every collection."""

    def __init__(self, free=1000000):
        self.free = free

    def collect(self):
        return self.free


def _until(collector, replied, settled):
    """Return after how many ms it collects, in steps of 10."""
    t_ms = 10
    while not collector.step(replied, settled, 10):
        t_ms += 10
        assert t_ms < 100000
    return t_ms


def test_soon_after_the_start_then_after_a_reply_from_four_seconds_on():
    collector = Collector(Heap().collect)
    assert _until(collector, True, True) == 1500
    assert _until(collector, True, True) == 4000
    assert collector.collections == 2


def test_without_a_master_after_six_and_while_switching_after_eight():
    collector = Collector(Heap().collect)
    assert _until(collector, False, True) == 2250
    assert _until(collector, False, True) == 6000
    assert _until(collector, False, False) == 8000
    assert _until(collector, True, False) == 8000, "a reply is no reason while something is being switched"


def test_the_less_is_free_the_sooner_it_is_done():
    heap = Heap(45000)
    collector = Collector(heap.collect)
    _until(collector, True, True)
    assert _until(collector, True, True) == 1500
    assert _until(collector, False, False) == 3000
    heap.free = 100
    _until(collector, True, True)
    assert _until(collector, True, True) == 500, "but not all the time"
    heap.free = 120000
    _until(collector, True, True)
    assert _until(collector, True, True) == 4000


def test_it_can_be_told_to_do_it_with_the_next_reply():
    collector = Collector(Heap().collect)
    assert not collector.step(True, True, 10)
    collector.hasten()
    assert not collector.step(False, True, 10) and collector.step(True, True, 0)

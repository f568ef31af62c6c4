"""The heap of the running box: what is free once everything is collected does not shrink."""

import os
import re

import pytest

from host_tests.emulated.master import checked, read_request, told
from tools.bench_chip.measure import free_heap
from tools.bench_chip.turnaround import PROFILES

SECONDS = 60.0 if os.environ.get("LONG") else 10.0
PAUSE_S = 0.1  # of the master between two requests
PAGES_S = 4.0  # each page of the display is shown that long
# What is in use differs by what the display is just composing: up to eight strings of 20 characters (48 bytes
# each with their objects), a generator, and numbers above 2^30 (16 bytes). A leak of one object a turn of the
# loop would be 45 KB in ten seconds, one of an object a measuring window 1.6 KB.
BOUND = 512


@pytest.mark.parametrize(("settings", "least"), [({}, 80 * 1024), (PROFILES, 69 * 1024)])
def test_enough_is_free_when_the_loop_begins(settings, least):
    """A step of 3.9 KB less: more than 620 names (docs/architecture.md, Memory)."""
    free = free_heap(settings)
    assert free >= least, free
    return {"free": f"{free} bytes"}


def memory(box):
    """Return the free bytes after a collection, and the bytes allocated since the start."""
    free, allocated = re.fullmatch(r" (\d+) allocated (\d+)", told(box, "free", "free")).groups()
    return int(free), int(allocated)


def test_the_heap_does_not_shrink_while_a_master_polls(busy):
    box, machine = busy, busy.machine
    poll(box, 3.0)  # every kind of request and every page but the last ones have been there
    characters, start_s = box.display.characters, machine.now_s
    free, allocated = memory(box)
    replies = poll(box, SECONDS)
    free_later, allocated_later = memory(box)
    seconds = machine.now_s - start_s
    assert replies > SECONDS / 0.5 and box.display.characters - characters > 80 * SECONDS / PAGES_S / 4
    assert abs(free_later - free) <= BOUND, (free, free_later)
    return {
        "free after a collection": f"{free}, {seconds:.0f} s later {free_later} bytes",
        "allocated": f"{(allocated_later - allocated) / seconds / 1000:.1f} KB/s",
        "replies": replies,
    }


def poll(box, seconds):
    """Read both meters, state and settings in turn for a time; return how many replies there were."""
    end_s = box.machine.now_s + seconds
    requests = [(100, 54, 4), (200, 46, 4), (40, 20, 4), (1010, 20, 3), (300, 6, 4)]
    replies = 0
    while box.machine.now_s < end_s:
        start, count, function = requests[replies % len(requests)]
        assert checked(box.line.ask(read_request(start, count, function)))[2] == 2 * count
        replies += 1
        box.machine.run(PAUSE_S)
    return replies

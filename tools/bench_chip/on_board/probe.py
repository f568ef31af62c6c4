"""How long the calls of a Modbus slave last and what they allocate, for the box and for the peer alike.

The bench drives GP28 and reads the figures out of the RAM: nothing is printed or received for it. While
the pin is low calls are timed, while it is high memory is counted, which takes some milliseconds a call.
"""

# mypy: disable-error-code="attr-defined"

import gc
import time
from array import array

from machine import Pin
from probe_words import ALLOCATED, LONGEST_US, PIN, SERVED, UNCOUNTED  # type: ignore[import-not-found]
from uctypes import addressof

figures = array("I", (0, 0, 0, 0))


def tell() -> None:
    """Print where the figures are."""
    print("figures at", addressof(figures))


def watch(serve):
    """Return `serve(slave, now_us)` with the probe around it; it returns whether it has answered."""
    counts = Pin(PIN, Pin.IN, Pin.PULL_DOWN)
    ticks_us, ticks_diff = time.ticks_us, time.ticks_diff
    used = gc.mem_alloc

    def watched(slave, now_us):
        if counts.value():
            before = used()
            answered = serve(slave, now_us)
            grown = used() - before
            if answered and grown < 0:
                figures[UNCOUNTED] += 1
            elif answered:
                figures[SERVED] += 1
                figures[ALLOCATED] += grown
            return answered
        start = ticks_us()
        answered = serve(slave, now_us)
        took = ticks_diff(ticks_us(), start)
        if took > figures[LONGEST_US]:
            figures[LONGEST_US] = took
        return answered

    return watched

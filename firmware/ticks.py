"""Arithmetic on the board's microsecond counter, which wraps at 2^30 (about 17.9 minutes).

Only short spans are measured with it. Everything longer is an elapsed-time counter that its owner
advances by the `dt_ms` it is given, and that saturates: a timestamp kept for days would alias.
"""

from micropython import const

PERIOD = const(0x40000000)
_HALF = const(0x20000000)
_MASK = const(0x3FFFFFFF)

LONG_MS = const(0x1FFFFFFF)  # where elapsed-time counters stop: 6.2 days


def diff(later: int, earlier: int) -> int:
    """Return `later - earlier` in us, right across the wrap for spans below 2^29 us."""
    return ((later - earlier + _HALF) & _MASK) - _HALF


def add(ticks: int, delta: int) -> int:
    """Return the counter value `delta` us after `ticks`."""
    return (ticks + delta) & _MASK


def advance(elapsed_ms: int, dt_ms: int) -> int:
    """Return an elapsed-time counter `dt_ms` later, saturated at `LONG_MS`."""
    elapsed_ms += dt_ms
    return LONG_MS if elapsed_ms > LONG_MS else elapsed_ms

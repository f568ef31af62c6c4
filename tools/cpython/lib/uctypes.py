"""The part of MicroPython's `uctypes` that the firmware uses, for CPython: arrays have numbers for addresses.

A number is good for the words from there to the end of its array, and for nothing else: whatever lies
outside raises IndexError, and a value that does not fit its word raises ValueError.
"""

import weakref
from array import array
from bisect import bisect_right

_GAP = 1 << 16  # bytes between two arrays: no offset reaches from one into the next
_CACHED = 10000  # views kept; each keeps its array alive

_starts: list[int] = []
_arrays: list["weakref.ref[array]"] = []
_known: dict[int, int] = {}  # start by id()
_next = _GAP


def addressof(words: array) -> int:
    """Return the address of an array's first element, the same one every time."""
    global _next
    if id(words) not in _known:
        start, identity = _next, id(words)

        def forget(_gone) -> None:
            place = bisect_right(_starts, start) - 1
            del _starts[place], _arrays[place], _known[identity]

        _next += len(words) * words.itemsize + _GAP
        _starts.append(start)
        _arrays.append(weakref.ref(words, forget))
        _known[identity] = start
    return _known[id(words)]


def _view(address: int, itemsize: int) -> memoryview:
    place = bisect_right(_starts, address) - 1
    words = _arrays[place]() if place >= 0 else None
    if words is not None and words.itemsize == itemsize:
        first, rest = divmod(address - _starts[place], itemsize)
        if rest == 0 and first < len(words):
            return memoryview(words)[first:]
    raise ValueError("no element of an array of %d-byte words at address %d" % (itemsize, address))


def caster(itemsize: int):
    """Return what viper's `ptr16` or `ptr32` does: a view of what lies at an address, or a buffer."""
    views: dict[int, memoryview] = {}

    def cast(what):
        try:
            return views[what]
        except (KeyError, TypeError):  # not asked for before; an array cannot be a key
            if not isinstance(what, int):
                return what
        if len(views) >= _CACHED:
            views.clear()
        views[what] = _view(what, itemsize)
        return views[what]

    return cast

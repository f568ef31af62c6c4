"""What is done about memory: code that is not kept, and collections after which free memory is found quickly.

The interpreter looks for free memory from the first gap on. Between long-lived objects far down there are
hundreds of gaps of 16 bytes, and as long as one of them is left every larger piece costs a search through the
whole heap: 0.8 ms instead of 20 us. So they are filled, right after a collection, with objects that go with
the next.
"""

import gc
import sys

from micropython import const

_ROOM = const(256)  # words; where a piece of this size fits the gaps end
_MOST = const(250)  # times eight


def forget(modules: tuple) -> None:
    """Let go of modules, by their full names; those that are not loaded do not matter.

    What still refers to something of theirs keeps just that, so nothing breaks; importing them again works.
    """
    for name in modules:
        module = sys.modules.pop(name, None)
        package, _, last = name.rpartition(".")
        if module is not None and package in sys.modules:
            delattr(sys.modules[package], last)


def forget_making(classes: tuple) -> None:
    """Let go of the constructors of classes of which no more objects are made; trying it is an error.

    None takes their place, because what is deleted from a class is still held by its table.
    """
    for made_once in classes:
        made_once.__init__ = None


class Heap:
    """`collect()` takes 37 ms on a Pico; it needs `id()` to be an address, as MicroPython has it."""

    def __init__(self) -> None:
        self._filling: tuple | None = None

    def collect(self) -> int:
        """Collect, then fill the gaps below the first large free piece; return the bytes that are free."""
        self._filling = None
        gc.collect()
        free: int = gc.mem_free()  # type: ignore[attr-defined]
        top = id((None,) * _ROOM)
        filling: tuple | None = None
        for _ in range(_MOST):
            filling = ((((((((filling,),),),),),),),)  # as one statement it takes half the time
            if id(filling) > top:
                break
        self._filling = filling
        return free

"""How often the watchdog had to restart the chip, kept where only a loss of power clears it.

RP2040 datasheet, 4.7: the scratch registers 0 to 3 keep their contents over a reset by the watchdog and
are used by nobody else; REASON says whether the time ran out or somebody asked for the reset.
"""

from machine import mem32
from micropython import const

_CTRL_CLEAR = 0x4005B000  # what is written one there becomes zero
_REASON, _COUNT, _RUNNING = 0x40058008, 0x4005800C, 0x40058010
_ENABLE = const(1 << 30)
_TIMER = const(1)
_MARK = const(0x0BB00000)  # nothing that a register holds by chance after power-up
_IS_RUNNING = const(0x0BB05A5A)
_MOST = const(255)


class Restarts:
    """`count` restarts since the box ran for long enough or was reset by hand; `now` tells of this one."""

    def __init__(self) -> None:
        count = mem32[_COUNT]
        bitten = mem32[_REASON] & _TIMER  # a reset that was asked for means that somebody has seen to it
        self.count = count & _MOST if bitten and count & ~_MOST == _MARK else 0
        self.now = bool(bitten) and mem32[_RUNNING] == _IS_RUNNING
        if self.now:
            self.count = min(self.count + 1, _MOST)
        mem32[_COUNT] = _MARK | self.count
        mem32[_RUNNING] = 0

    def running(self) -> None:
        """From here on a reset by the watchdog is a failure of the box."""
        mem32[_RUNNING] = _IS_RUNNING

    def clear(self) -> None:
        """The box has run long enough, or somebody has seen to it: begin to count anew."""
        self.count = 0
        mem32[_COUNT] = _MARK

    def stop_watchdog(self) -> None:
        """Stop the watchdog for whoever interrupted the box at the console; the coils are off by now."""
        mem32[_RUNNING] = 0
        mem32[_CTRL_CLEAR] = _ENABLE

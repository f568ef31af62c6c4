"""Lets the watchdog restart the chip."""

from machine import mem32

from firmware.hardware.watchdog import Watchdog
from tools.board_checks.on_board.board import coil_pins, sleep_ms, stop_watchdog, tell, ticks_diff, ticks_ms

_REASON, _RUNNING = 0x40058008, 0x40058010  # RP2040 datasheet, 4.7
_TIMER = 1  # the time ran out; a reset that was asked for sets another bit


def feed(timeout_ms, duration_ms):
    """Feed a watchdog for longer than it waits, and stop it."""
    guard = Watchdog(timeout_ms)
    start = ticks_ms()
    while ticks_diff(ticks_ms(), start) < duration_ms:
        guard.feed()
        sleep_ms(10)
    stop_watchdog()
    tell(fed=True)


def starve(timeout_ms):
    """Start a watchdog and never feed it: this does not return."""
    mem32[_RUNNING] = 0  # this restart is no failure of the box (firmware/hardware/restarts.py)
    Watchdog(timeout_ms)
    while True:
        pass


def cause():
    """Tell whether the watchdog's time ran out before the last start, and whether a coil output is on."""
    coils = 0
    for gpio in coil_pins:
        coils |= 1 << gpio
    tell(timer=bool(mem32[_REASON] & _TIMER), coils=bool(mem32[0xD0000010] & coils))

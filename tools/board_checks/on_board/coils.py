"""Energises one coil for a moment, and reads the contacts."""

from firmware.hardware.coils_rp2 import Coils
from firmware.hardware.inputs import Inputs
from firmware.hardware.watchdog import Watchdog
from tools.board_checks.on_board.board import (
    coil_pins,
    pins,
    sleep_ms,
    stop_watchdog,
    tell,
    ticks_diff,
    ticks_ms,
)

_GUARD_MS = 2000  # should this script hang with a coil on, the chip restarts, and boot.py switches it off
_REST_MS = 300  # until the next coil may follow: a contactor needs 30 ms to release

coils = Coils(coil_pins)
inputs = Inputs(pins)


def read():
    """Tell how the contacts are now."""
    tell(mask=inputs.read(), page_key=inputs.page_key())


def click(place, hold_ms):
    """Energise coil `place`, and no other, for a time; tell the contacts before, meanwhile and after."""
    guard = Watchdog(_GUARD_MS)
    before = inputs.read()
    try:
        coils.write(1 << place, coils.trips)
        _wait(guard, hold_ms)
        meanwhile = inputs.read()
    finally:
        coils.write(0, coils.trips)
    _wait(guard, _REST_MS)
    stop_watchdog()
    tell(before=before, meanwhile=meanwhile, after=inputs.read())


def _wait(guard, duration_ms):
    start = ticks_ms()
    while ticks_diff(ticks_ms(), start) < duration_ms:
        guard.feed()
        sleep_ms(10)

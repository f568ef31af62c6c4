"""Judges the three grid voltages after every block, inside the sampling interrupt.

Works on the integers of measure/levels.py and measure/compare.py; limits are squares in the same
counts, so that nothing is multiplied or rooted here. Everything is preallocated and integer.
"""

from array import array

import micropython
from micropython import const

from firmware.acquire.calibration import Calibration
from firmware.acquire.layout import VOLTAGE_CHANNELS
from firmware.measure.compare import STATE_WORDS
from firmware.measure.levels import HALF_SAMPLES, LEVEL_SAMPLES
from firmware.signals import GRID_OK

DIP_UN = 0.45
INTERRUPTION_UN = 0.1
NOMINAL_V = 230.0
# A reference sample below 8 % of the nominal peak is too near its zero crossing to tell anything.
_NEUTRAL_UN = 0.08

# Limits per phase, as squares: half cycle for dip and interruption, level for the others.
LIMIT_DIP, LIMIT_INTERRUPTION, LIMIT_UNDER, LIMIT_OVER, LIMIT_LOW, LIMIT_HIGH = 0, 1, 2, 3, 4, 5
LIMITS = const(6)

# State words. Per phase from 8 on: blocks below the under- and above the overvoltage limit, and the
# reason code that is confirmed now (0 good).
GOOD_BLOCKS = const(0)
ARMED = const(1)
TRIP_REASON = const(2)
TRIP_PHASE = const(3)
PHASES = const(4)
CONFIRM_BLOCKS = const(5)
UNDER = const(8)
OVER = const(11)
BAD = const(14)
_WORDS = const(17)


@micropython.viper
def _judge(half: ptr32, level: ptr32, limits: ptr32, row: ptr32, state: ptr32, blocks: int) -> int:  # type: ignore
    """Advance by `blocks` blocks that all had these levels; return the first bad phase, 1 to 3, or 0.

    Reason codes as in signals.py: 1 stands here for "missing" and is made an interruption or a phase
    loss by the caller's rule below, 3 deep dip, 4 undervoltage, 5 overvoltage.
    """
    phases = state[4]
    confirm = state[5]
    phase = 0
    at = 0
    good = 1
    bad = 0
    missing = 0
    while phase < phases:
        now = level[phase]
        quick = half[phase]
        reason = 0
        if now < limits[at + 2]:
            state[8 + phase] = state[8 + phase] + blocks
            if state[8 + phase] > 0x3FFFFFF:
                state[8 + phase] = 0x3FFFFFF
            if state[8 + phase] >= confirm:
                reason = 4
        else:
            state[8 + phase] = 0
        if now > limits[at + 3]:
            state[11 + phase] = state[11 + phase] + blocks
            if state[11 + phase] > 0x3FFFFFF:
                state[11 + phase] = 0x3FFFFFF
            if state[11 + phase] >= confirm:
                reason = 5
        else:
            state[11 + phase] = 0
        if row[phase] >= 8:
            # Below a ninth of the reference it is gone, above it is dipped.
            reason = 1
            if row[phase + 3] * 9 > row[phase + 6]:
                reason = 3
        if quick < limits[at]:
            reason = 3
            if quick < limits[at + 1]:
                reason = 1
            elif row[phase] >= 8 and row[phase] < 32 and row[phase + 3] * 9 <= row[phase + 6]:
                reason = 1  # part of this half cycle was still sound
        if now < limits[at + 4]:
            good = 0
        if now > limits[at + 5]:
            good = 0
        if reason != 0:
            good = 0
            if bad == 0:
                bad = phase + 1
        # A row of four missing samples on a phase whose neighbour is gone: it is going too.
        if reason == 1 or row[phase] >= 4 or quick < limits[at + 1]:
            missing += 1
        state[14 + phase] = reason
        phase += 1
        at += 6
    if good != 0:
        state[0] = state[0] + blocks
        if state[0] > 0x3FFFFFF:
            state[0] = 0x3FFFFFF
    else:
        state[0] = 0
    if missing < phases:
        phase = 0
        while phase < phases:
            if state[14 + phase] == 1:
                state[14 + phase] = 2
            phase += 1
    return bad


class Watch:
    """Grid judgement after every block: `half` and `level` in, trip and reasons out.

    While armed (K_GRID is to be closed) the first confirmed reason trips: `trip_reason` and
    `trip_phase` stay until the next arming.
    """

    def __init__(self, half: array, level: array, phases: int = 3) -> None:
        self.half = half
        self.level = level
        self.row = array("i", [0] * STATE_WORDS)
        self.neutral = array("i", [4096] * 3)
        self._limits = array("i", [0] * (3 * LIMITS))
        self._state = array("i", [0] * _WORDS)
        self._state[PHASES] = phases
        self._state[CONFIRM_BLOCKS] = 40

    def set_limits(self, settings: dict, calibration: Calibration) -> None:
        """Take the voltage limits and the confirmation time from the settings."""
        for phase in range(3):
            gain = calibration.gain[VOLTAGE_CHANNELS[phase]]
            at = phase * LIMITS
            limits = self._limits
            limits[at + LIMIT_DIP] = mean_square(DIP_UN * NOMINAL_V, gain, HALF_SAMPLES)
            limits[at + LIMIT_INTERRUPTION] = mean_square(INTERRUPTION_UN * NOMINAL_V, gain, HALF_SAMPLES)
            for limit, key in (
                (LIMIT_UNDER, "undervoltage_dv"),
                (LIMIT_OVER, "overvoltage_dv"),
                (LIMIT_LOW, "return_low_dv"),
                (LIMIT_HIGH, "return_high_dv"),
            ):
                limits[at + limit] = mean_square(settings[key] / 10, gain, LEVEL_SAMPLES)
            self.neutral[phase] = int(_NEUTRAL_UN * NOMINAL_V * 1.41421356 / gain)
        self._state[CONFIRM_BLOCKS] = settings["confirm_ms"] * 2 // 5

    def judge(self, blocks: int) -> int:
        """Advance by `blocks` blocks of 2.5 ms with the present levels; 1 when this trips, else 0.

        Called from the sampling interrupt with 1: allocates nothing.
        """
        state = self._state
        bad = _judge(self.half, self.level, self._limits, self.row, state, blocks)
        if bad and state[ARMED]:
            state[ARMED] = 0
            state[TRIP_REASON] = state[BAD + bad - 1]
            state[TRIP_PHASE] = bad
            return 1
        return 0

    def arm(self) -> None:
        """Forget the last trip and watch for the next; K_GRID is about to be closed."""
        self._state[TRIP_REASON] = GRID_OK
        self._state[TRIP_PHASE] = 0
        self._state[ARMED] = 1

    def disarm(self) -> None:
        """K_GRID is open: nothing to trip."""
        self._state[ARMED] = 0

    @property
    def trip_reason(self) -> int:
        """Reason code of the trip since the last arming, 0 when there was none."""
        return self._state[TRIP_REASON]

    @property
    def trip_phase(self) -> int:
        """Phase of the trip, 1 to 3, or 0."""
        return self._state[TRIP_PHASE]

    @property
    def good_blocks(self) -> int:
        """Blocks since when all phases are inside the return band without a break."""
        return self._state[GOOD_BLOCKS]

    def bad(self) -> tuple[int, int]:
        """Return the reason confirmed now and its phase (1 to 3), or (0, 0)."""
        for phase in range(self._state[PHASES]):
            if self._state[BAD + phase]:
                return self._state[BAD + phase], phase + 1
        return GRID_OK, 0


def mean_square(volts: float, gain: float, samples: int) -> int:
    """Return the sum over `samples` squared counts that a voltage of `volts` RMS gives."""
    return int(samples * (volts / gain) ** 2 + 0.5)

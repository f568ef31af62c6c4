"""Judges the three grid voltages, inside the sampling interrupt.

Works on the integers of measure/levels.py and measure/compare.py; limits are squares in the same
counts, so that nothing is multiplied or rooted here. Everything is preallocated and integer.

A block that is sound by measure/look.py needs no judgement, provided that the last one left nothing
unsettled: no phase was bad, and no confirmation was running.
"""

# mypy: disable-error-code="name-defined"

import micropython
from micropython import const

from firmware.acquire.calibration import Calibration
from firmware.acquire.layout import VOLTAGE_CHANNELS
from firmware.measure.levels import HALF_SAMPLES, LEVEL_SAMPLES
from firmware.measure.memory import Memory
from firmware.signals import GRID_OK

DIP_UN = 0.45
INTERRUPTION_UN = 0.1
NOMINAL_V = 230.0
# A reference sample below 8 % of the nominal peak is too near its zero crossing to tell anything.
_NEUTRAL_UN = 0.08

_GOOD = (GRID_OK, 0)  # made once, not after every block

# As in memory.py.
_BLOCK = const(48)
_GOOD_BLOCKS = const(16)
_UNSETTLED = const(17)
_TRIP_REASON = const(18)
_TRIP_PHASE = const(19)
_ARMED = const(20)
_PHASES = const(21)
_CONFIRM_BLOCKS = const(22)
_VOLTAGES = const(72)
_LEVEL = const(9)
_HALF = const(18)
_ROW = const(21)
_NEUTRAL = const(24)
_JUDGED = const(27)
_LIMIT_DIP = const(30)
_SOUND_LOW = const(33)
_SOUND_HIGH = const(36)
_ROW_SAMPLES = const(39)
_ROW_REFERENCES = const(42)
_UNDER = const(45)
_OVER = const(48)
_BAD = const(51)
_LIMIT_INTERRUPTION = const(54)
_LIMIT_UNDER = const(57)
_LIMIT_OVER = const(60)
_LIMIT_LOW = const(63)
_LIMIT_HIGH = const(66)
_VOLTAGE_WORDS = const(69)

_COUNT_TOP = const(0x3FFFFFF)  # where counters of blocks stop


@micropython.viper
def judge_grid(phase: ptr32, blocks: int) -> int:
    """Advance by `blocks` blocks that all had the present levels; 1 when this trips, else 0.

    `phase` arrives as the memory's address. Reason codes as in signals.py: 3 deep dip, 4 undervoltage,
    5 overvoltage. 1 stands for "missing" while the phases are judged one by one; whether that is an
    interruption (1) or the loss of a phase (2) is said when all have been seen.
    """
    first = int(phase)
    grid = ptr32(first + 4 * _BLOCK)
    first += 4 * _VOLTAGES
    end = first + 4 * grid[_PHASES]
    confirm = grid[_CONFIRM_BLOCKS]
    good = 1
    unsettled = 0
    missing = 0
    bad = 0
    at = first
    while at < end:
        phase = ptr32(at)
        at += 4
        level = phase[_LEVEL]
        half = phase[_HALF]
        row = phase[_ROW]
        reason = 0
        under = 0
        over = 0
        if level < phase[_LIMIT_UNDER]:
            under = phase[_UNDER] + blocks
            if under > _COUNT_TOP:
                under = _COUNT_TOP
            reason = 4
        if level > phase[_LIMIT_OVER]:
            over = phase[_OVER] + blocks
            if over > _COUNT_TOP:
                over = _COUNT_TOP
            reason = 5
        if under + over < confirm:
            reason = 0  # not for long enough yet
        if row >= 8:
            # Below a ninth of the reference it is gone, above it is dipped.
            reason = 1
            if phase[_ROW_SAMPLES] * 9 > phase[_ROW_REFERENCES]:
                reason = 3
        if half < phase[_LIMIT_DIP]:
            # While the row is shorter than half a cycle, a part of this half cycle was still sound.
            if half < phase[_LIMIT_INTERRUPTION] or (reason == 1 and row < 32):
                reason = 1
            else:
                reason = 3
        phase[_UNDER] = under
        phase[_OVER] = over
        phase[_BAD] = reason
        unsettled |= under | over | reason
        # A row of four missing samples on a phase whose neighbour is gone: it is going too.
        if reason == 1 or row >= 4:
            missing += 1
        if reason != 0 and bad == 0:
            bad = (at - first) >> 2
        if reason != 0 or level < phase[_LIMIT_LOW] or level > phase[_LIMIT_HIGH]:
            good = 0
    grid[_UNSETTLED] = unsettled
    if good != 0:
        good = grid[_GOOD_BLOCKS] + blocks
        if good > _COUNT_TOP:
            good = _COUNT_TOP
    grid[_GOOD_BLOCKS] = good
    if bad == 0:
        return 0
    if missing < grid[_PHASES]:
        # Some phase is still there: what is missing is the loss of a phase.
        at = first
        while at < end:
            phase = ptr32(at)
            at += 4
            if phase[_BAD] == 1:
                phase[_BAD] = 2
    if grid[_ARMED] == 0:
        return 0
    grid[_ARMED] = 0
    grid[_TRIP_REASON] = ptr32(first + 4 * bad - 4)[_BAD]
    grid[_TRIP_PHASE] = bad
    return 1


class Watch:
    """Loop side: limits in, trip and reasons out.

    While armed (K_GRID is to be closed) the first confirmed reason trips: `trip_reason` and
    `trip_phase` stay until the next arming.
    """

    def __init__(self, memory: Memory, phases: int = 3) -> None:
        self._address = memory.address
        self._grid = memory.view(_BLOCK, _CONFIRM_BLOCKS + 1)
        self._voltages = voltages = memory.view(_VOLTAGES, _VOLTAGE_WORDS)
        for phase in range(3):
            voltages[_NEUTRAL + phase] = 4096 * 4096
            # look.py takes this bit of differences of less than 2^30: it is set in the negative ones.
            voltages[_JUDGED + phase] = 1 << 30 if phase < phases else 0
        self._grid[_PHASES] = phases
        self._grid[_CONFIRM_BLOCKS] = 40
        self._grid[_UNSETTLED] = 1

    def set_limits(self, settings: dict, calibration: Calibration) -> None:
        """Take the voltage limits and the confirmation time from the settings."""
        voltages = self._voltages
        for phase in range(3):
            gain = calibration.gain[VOLTAGE_CHANNELS[phase]]
            under, over, low, high = [
                mean_square(settings[key] / 10, gain, LEVEL_SAMPLES)
                for key in ("undervoltage_dv", "overvoltage_dv", "return_low_dv", "return_high_dv")
            ]
            for limit, value in (
                (_LIMIT_DIP, mean_square(DIP_UN * NOMINAL_V, gain, HALF_SAMPLES)),
                (_LIMIT_INTERRUPTION, mean_square(INTERRUPTION_UN * NOMINAL_V, gain, HALF_SAMPLES)),
                (_LIMIT_UNDER, under),
                (_LIMIT_OVER, over),
                (_LIMIT_LOW, low),
                (_LIMIT_HIGH, high),
                (_SOUND_LOW, max(under, low)),
                (_SOUND_HIGH, min(over, high)),
                (_NEUTRAL, int(_NEUTRAL_UN * NOMINAL_V * 1.41421356 / gain) ** 2),
            ):
                voltages[limit + phase] = value
        self._grid[_CONFIRM_BLOCKS] = settings["confirm_ms"] * 2 // 5

    def judge(self, blocks: int) -> int:
        """Advance by `blocks` blocks of 2.5 ms with the present levels; 1 when this trips, else 0."""
        return judge_grid(self._address, blocks)

    def arm(self) -> None:
        """Forget the last trip and watch for the next; K_GRID is about to be closed."""
        self._grid[_TRIP_REASON] = GRID_OK
        self._grid[_TRIP_PHASE] = 0
        self._grid[_ARMED] = 1

    def disarm(self) -> None:
        """K_GRID is open: nothing to trip."""
        self._grid[_ARMED] = 0

    @property
    def trip_reason(self) -> int:
        """Reason code of the trip since the last arming, 0 when there was none."""
        return self._grid[_TRIP_REASON]

    @property
    def trip_phase(self) -> int:
        """Phase of the trip, 1 to 3, or 0."""
        return self._grid[_TRIP_PHASE]

    @property
    def good_blocks(self) -> int:
        """Blocks since when all phases are inside the return band without a break."""
        return self._grid[_GOOD_BLOCKS]

    def bad(self) -> tuple[int, int]:
        """Return the reason confirmed now and its phase (1 to 3), or (0, 0)."""
        for phase in range(self._grid[_PHASES]):
            reason = self._voltages[_BAD + phase]
            if reason:
                return reason, phase + 1
        return _GOOD


def mean_square(volts: float, gain: float, samples: int) -> int:
    """Return the sum over `samples` squared counts that a voltage of `volts` RMS gives."""
    return int(samples * (volts / gain) ** 2 + 0.5)

"""Is the grid good, bad, or neither, why, and may the house return to it.

Bad opens K_GRID. Good again needs a narrower band, without a break, for the qualification time. What
lies between the two bands changes nothing: it neither opens nor closes.
"""

from micropython import const

from firmware.acquire.layout import CYCLE_BLOCKS
from firmware.measure.frequency import RIGHT, WRONG
from firmware.signals import FREQUENCY, GRID_OK, NOT_MEASURED, PHASE_SEQUENCE
from firmware.ticks import advance

TRANSFERS = const(5)
TRANSFER_WINDOW_S = const(600)
# A frequency value is the mean of the 40 ms before it: half of that has passed when it is first seen.
_FREQUENCY_LAG_MS = const(20)
# Without a new block for this long nothing is known of the grid. K_GRID is to be open 50 ms after the last
# block, and it takes up to 8 ms until that has been seen, and 8 ms more until the loop judges again.
_SILENT_MS = const(30)


class GridSupervisor:
    """Reads the watch (voltages) and the meter (frequency, sequence) of a front end; see `step`."""

    def __init__(self, front_end) -> None:
        self._front = front_end
        self.reason = NOT_MEASURED
        self.phase = 0
        self.good_ms = 0  # unbroken time inside the return band
        self.qualified = False
        self._blocks = front_end.blocks
        self._silent_ms = _SILENT_MS
        self._settling = True  # the first cycle fills the levels: until then they are no measurement
        self._frequency_bad_ms = 0
        self._frequency_good_ms = 0
        self._blind = 0
        self._saturated = 0
        self._settings: dict = {}  # that the limits below are from
        self._low_mhz = self._high_mhz = 0
        self._return_low_mhz = self._return_high_mhz = 0
        self._transfers: list = []

    @property
    def bad(self) -> bool:
        """True when K_GRID must not be closed."""
        return self.reason != GRID_OK

    def distrust(self, blind: int, saturated: int) -> None:
        """Take which phases (bits 0 to 2) are not measured, and which lie beyond the converter's range.

        A grid that cannot be measured is never good. One beyond the range mostly has a reason of its own.
        """
        self._blind = blind
        self._saturated = saturated

    def step(self, dt_ms: int, settings: dict, closed: bool) -> None:
        """Form the judgement anew; `closed` says that K_GRID is, or is about to be."""
        front = self._front
        if front.blocks == self._blocks:
            self._silent_ms = advance(self._silent_ms, dt_ms)
        else:
            self._silent_ms = 0
        self._blocks = front.blocks
        self._judge_frequency(dt_ms, settings)
        if self._settling:
            self._settling = front.blocks < CYCLE_BLOCKS
        if self._settling or self._silent_ms >= _SILENT_MS:
            self.reason, self.phase = NOT_MEASURED, 0
            self._frequency_good_ms = 0
        else:
            self.reason, self.phase = front.watch.bad()
            if self.reason == GRID_OK and self._frequency_bad_ms >= settings["confirm_ms"]:
                self.reason, self.phase = FREQUENCY, 0
            if self._blind:
                self.reason, self.phase = NOT_MEASURED, _phase_of(self._blind)
            elif self._saturated and self.reason == GRID_OK:
                self.reason, self.phase = NOT_MEASURED, _phase_of(self._saturated)
        self.good_ms = 0
        if self.reason == GRID_OK:
            self.good_ms = min(front.watch.good_blocks * 5 // 2, self._frequency_good_ms)
        self.qualified = self.good_ms >= settings["qualification_ms"]
        # The sequence cannot change while the contactor is closed, but a transient can look like it:
        # it counts at power-up and after an outage only.
        if not closed and self.reason == GRID_OK and front.meter.frequency.sequence == WRONG:
            self.reason = PHASE_SEQUENCE

    def _judge_frequency(self, dt_ms: int, settings: dict) -> None:
        frequency = self._front.meter.frequency
        mhz = frequency.mhz
        if mhz == 0:  # too low a voltage to tell: the voltage limits speak
            self._frequency_bad_ms = 0
            self._frequency_good_ms = 0
            return
        if settings is not self._settings:
            self._take_limits(settings)
        if self._low_mhz <= mhz <= self._high_mhz:
            self._frequency_bad_ms = 0
        else:
            if self._frequency_bad_ms == 0:
                self._frequency_bad_ms = _FREQUENCY_LAG_MS
            self._frequency_bad_ms = advance(self._frequency_bad_ms, dt_ms)
        if self._return_low_mhz <= mhz <= self._return_high_mhz and frequency.sequence == RIGHT:
            self._frequency_good_ms = advance(self._frequency_good_ms, dt_ms)
        else:
            self._frequency_good_ms = 0

    def _take_limits(self, settings: dict) -> None:
        self._settings = settings
        self._low_mhz = 10 * settings["frequency_low_chz"]
        self._high_mhz = 10 * settings["frequency_high_chz"]
        self._return_low_mhz = 10 * settings["return_frequency_low_chz"]
        self._return_high_mhz = 10 * settings["return_frequency_high_chz"]

    def count_transfer(self, now_s: int) -> None:
        """Note that the source was changed; too many force the return delay."""
        self._transfers.append(now_s)
        if len(self._transfers) > TRANSFERS + 1:
            del self._transfers[0]

    def restless(self, now_s: int) -> bool:
        """True while more than `TRANSFERS` transfers lie within `TRANSFER_WINDOW_S`."""
        count = 0
        for at_s in self._transfers:
            if now_s - at_s < TRANSFER_WINDOW_S:
                count += 1
        return count > TRANSFERS

    def wait_ms(self, delayed: bool, settings: dict) -> int:
        """Return how much longer the grid must stay good until the house may return to it, 0 for now.

        `delayed`: the return delay applies (DIP 4 ON, or too many transfers). It counts from when the
        grid came back, and anew after every break.
        """
        needed_ms = settings["qualification_ms"]
        if delayed:
            needed_ms = max(needed_ms, settings["return_delay_s"] * 1000)
        return max(0, needed_ms - self.good_ms)


def _phase_of(mask: int) -> int:
    """Return the phase (1 to 3) of a mask of phases, 0 when it is more than one."""
    if mask & (mask - 1):
        return 0
    return 3 if mask == 4 else mask

"""The one place that writes the coils, and only what the interlock lets through."""

from firmware.signals import ALL_COILS, COIL_NAMES
from firmware.ticks import LONG_MS
from firmware.transfer.contactor import Contactor
from firmware.transfer.interlock import permitted


class Gate:
    """Holds the four contactors and the coil driver.

    `driver` is the board's coil output (`write(mask, trips)`, `mask`, `trips`). The fast trip clears
    K_GRID in the interrupt and counts `trips`; a write that was decided before it cannot undo it.
    """

    def __init__(self, driver) -> None:
        self.driver = driver
        self.contactors = [Contactor(number) for number in range(len(COIL_NAMES))]
        self.not_open = ALL_COILS
        self.trips = driver.trips
        self._coils = 0  # as at the last reading
        self._raw = ALL_COILS

    def read(self, inputs: int | None, dt_ms: int) -> None:
        """Take the feedback bits of the input mask (None: could not be read) before deciding."""
        self.trips = self.driver.trips
        coils = self.driver.mask
        raw = ALL_COILS if inputs is None else inputs & ALL_COILS
        if raw == coils == self.not_open and coils == self._coils and raw == self._raw:
            # Every contactor is where its coil wants it, as it was before: those that are open grow older.
            for contactor in self.contactors:
                if not contactor.commanded and contactor.open_ms < LONG_MS:
                    contactor.open_ms += dt_ms
            return
        self._follow(raw, coils, dt_ms)

    def _follow(self, raw: int, coils: int, dt_ms: int) -> None:
        self._coils = coils
        self._raw = raw
        not_open = 0
        for number, contactor in enumerate(self.contactors):
            contactor.step(bool(coils >> number & 1), bool(raw >> number & 1), dt_ms)
            if contactor.not_open:
                not_open |= 1 << number
        self.not_open = not_open

    def apply(self, request: int, permits: int, dead_time_ms: int) -> int:
        """Write what the interlock permits of `request`; return it."""
        driver = self.driver
        mask = permitted(
            request,
            permits,
            driver.mask,
            self.not_open,
            self.contactors[0].open_ms,
            min(self.contactors[1].open_ms, self.contactors[2].open_ms, self.contactors[3].open_ms),
            dead_time_ms,
        )
        if mask != driver.mask:
            driver.write(mask, self.trips)
            self._note_energised(mask)
        return mask

    def _note_energised(self, mask: int) -> None:
        """Count from here, not from the next `read`: a trip in between would hide that it was energised."""
        for contactor in self.contactors:
            if mask >> contactor.number & 1:
                contactor.open_ms = 0

"""The one place that writes the coils, and only what the interlock lets through."""

from firmware.signals import COIL_NAMES
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
        self.not_open = 15
        self.trips = driver.trips

    def read(self, inputs: int | None, dt_ms: int) -> None:
        """Take the feedback bits of the input mask (None: could not be read) before deciding."""
        self.trips = self.driver.trips
        coils = self.driver.mask
        not_open = 0
        for number, contactor in enumerate(self.contactors):
            raw = inputs is None or bool(inputs >> number & 1)
            contactor.step(bool(coils >> number & 1), raw, dt_ms)
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
        # Counted from here, not from the next `read`: a trip in between would hide that it was energised.
        for contactor in self.contactors:
            if mask >> contactor.number & 1:
                contactor.open_ms = 0
        return mask

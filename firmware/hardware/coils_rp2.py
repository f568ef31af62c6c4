"""The coil outputs of an RP2040, written through the SIO registers.

One store opens and one store closes any set of coils, so that no coil waits for another, and an
opening never waits for a closing. Register numbers: RP2040 datasheet, 2.3.1.7.
"""

from machine import Pin, disable_irq, enable_irq, mem32
from micropython import const

from firmware.signals import K_GRID, Q_ALL

# Above 2^30, so these are objects: they are made when the module loads, and an access only refers to
# them. What is stored and read is a small int (GPIO numbers end at 29), so no access allocates.
_GPIO_OUT = 0xD0000010
_GPIO_OUT_SET = 0xD0000014
_GPIO_OUT_CLR = 0xD0000018

_TRIPS_MASK = const(0x3FFFFFFF)


class CoilError(OSError):
    """The output register did not take what was written; every coil was switched off."""


class Coils:
    """K_GRID and the Qs on the given GPIO numbers, K_GRID first, high energises.

    `mask` is what is energised now, in the bits of signals; `trips` counts the fast trips.
    """

    def __init__(self, gpios: tuple) -> None:
        for gpio in gpios:
            Pin(gpio, Pin.OUT, value=0)
        self.trips = 0
        self.mask = 0
        self._grid = 1 << gpios[0]
        self._all = 0
        for gpio in gpios:
            self._all |= 1 << gpio
        # Register bits of every mask, prepared here so that nothing is computed with interrupts off.
        self._bits = []
        for mask in range(1 << len(gpios)):
            bits = 0
            for place, gpio in enumerate(gpios):
                if mask & (1 << place):
                    bits |= 1 << gpio
            self._bits.append(bits)

    def write(self, mask: int, trips: int) -> None:
        """Energise exactly `mask`, opening before closing.

        Where `trips` is not the present count, the decision is older than a fast trip and K_GRID is
        dropped from it. ValueError for a mask that this board has not or that joins both sources;
        CoilError if the outputs do not follow.
        """
        if not 0 <= mask < len(self._bits):
            raise ValueError("there are no coils %d" % mask)
        if mask & K_GRID and mask & Q_ALL:
            # The interlock never asks for this. Should it ever, the last line here refuses.
            raise ValueError("K_GRID and a Q must not be energised together")
        state = disable_irq()  # an interrupt must not trip between the comparison and the store
        try:
            if trips != self.trips:
                mask &= Q_ALL
            bits = self._bits[mask]
            mem32[_GPIO_OUT_CLR] = self._all ^ bits
            mem32[_GPIO_OUT_SET] = bits
            self.mask = mask
            followed = (mem32[_GPIO_OUT] & self._all) == bits
            if not followed:
                mem32[_GPIO_OUT_CLR] = self._all
                self.mask = 0
        finally:  # Ctrl-C can arrive anywhere, and interrupts must not stay off
            enable_irq(state)
        if not followed:
            raise CoilError("the coil outputs do not follow; all are off")

    def open_grid(self) -> None:
        """Drop K_GRID at once and count a trip. For the sampling interrupt: allocates nothing."""
        mem32[_GPIO_OUT_CLR] = self._grid
        self.mask &= Q_ALL
        self.trips = (self.trips + 1) & _TRIPS_MASK

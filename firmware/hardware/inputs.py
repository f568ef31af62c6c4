"""Mirror contacts, switches and DIP switches, wired as closed circuits to ground.

A closed contact pulls its pin low; an open contact or a broken wire leaves it high, and high is
always the safe reading: contactor not confirmed open, operating switch OFF, bypass in, DIP OFF.
"""

from machine import Pin

from firmware.signals import IN_AUTO, IN_BYPASS, IN_DIP_SHIFT


class Inputs:
    """The contacts of a board, on the pins of its checked map `{function: gpio}`."""

    def __init__(self, pins: dict) -> None:
        from firmware.hardware.pin_check import DIPS, MIRRORS  # here, because they are not to be kept

        self._high = []  # (pin, bit that reads 1 while the contact is open)
        self._low = []  # (pin, bit that reads 1 while the contact is closed)
        for place, function in enumerate(MIRRORS):
            if function in pins:  # a single-phase board has only two
                self._high.append((_contact(pins[function]), 1 << place))
        self._high.append((_contact(pins["switch_bypass"]), IN_BYPASS))
        self._low.append((_contact(pins["switch_auto"]), IN_AUTO))
        for place, function in enumerate(DIPS):
            self._low.append((_contact(pins[function]), 1 << (IN_DIP_SHIFT + place)))
        self._page_key = _contact(pins["page_key"]) if "page_key" in pins else None

    def read(self) -> int:
        """Return the contacts as they are now, in the bits of signals. No filter but the wiring's RC."""
        mask = 0
        for pin, bit in self._high:
            if pin.value():
                mask |= bit
        for pin, bit in self._low:
            if not pin.value():
                mask |= bit
        return mask

    def page_key(self) -> bool:
        """Return whether the key for the next display page is held down."""
        return self._page_key is not None and not self._page_key.value()


def _contact(gpio: int) -> Pin:
    return Pin(gpio, Pin.IN, Pin.PULL_UP)

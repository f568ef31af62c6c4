"""Which measuring channels cannot be believed, by name; and whether the grid can be measured at all."""

from micropython import const

from firmware.acquire.layout import CHANNELS
from firmware.signals import CHANNEL_ABSENT, CHANNEL_OK, CHANNEL_SATURATED, CHANNEL_STUCK, FLAW_NAMES

# Windows (100 ms) that a verdict must last: a window over a switching may look saturated.
_CONFIRM = (5, 1, 1, 2)  # good again, absent, stuck, saturated
# The channels of the two converters; that of B's spare input is not looked at.
_CHIPS = (("A", 0x00FF), ("B", 0x7F00))
_PHASES = const(3)  # the first three channels are the grid's voltages


class Converters:
    """`masks` of absent, stuck and saturated channels, bit n for CHANNELS[n]; all 0 when nothing is wrong.

    A chip all of whose channels stand still is absent as a whole.
    """

    def __init__(self, log) -> None:
        self.masks = (0, 0, 0)
        self._log = log
        self._believed = bytearray(len(CHANNELS))  # the confirmed flaw of each channel
        self._windows = bytearray(len(CHANNELS))  # for how many windows it has been another one

    def step(self, flaws: bytearray) -> None:
        """Take the verdicts of one more measuring window (measure/flaws.py)."""
        changed = False
        for channel in range(len(CHANNELS)):
            flaw = flaws[channel]
            if flaw == self._believed[channel]:
                self._windows[channel] = 0
                continue
            self._windows[channel] += 1
            if self._windows[channel] >= _CONFIRM[flaw]:
                self._windows[channel] = 0
                self._believed[channel] = flaw
                changed = True
        if changed:
            self._change()

    @property
    def flawed(self) -> bool:
        """True when any channel is."""
        return self.masks != (0, 0, 0)

    @property
    def grid_blind(self) -> int:
        """Grid voltages that are not measured, bits 0 to 2."""
        return (self.masks[0] | self.masks[1]) & ((1 << _PHASES) - 1)

    @property
    def grid_saturated(self) -> int:
        """Grid voltages beyond the converter's range, bits 0 to 2."""
        return self.masks[2] & ((1 << _PHASES) - 1)

    def texts(self) -> list:
        """Return what is wrong, as `converter A absent`, `channel V2 saturated`."""
        if not self.flawed:
            return []
        return [text + " " + FLAW_NAMES[flaw] for flaw, text in _named(self.masks)]

    def _change(self) -> None:
        before = _named(self.masks)
        absent, stuck = self._mask(CHANNEL_ABSENT), self._mask(CHANNEL_STUCK)
        for _name, channels in _CHIPS:
            if stuck & channels == channels:
                stuck &= ~channels
                absent |= channels
        self.masks = (absent, stuck, self._mask(CHANNEL_SATURATED))
        after = _named(self.masks)
        for flaw, text in before:
            if (flaw, text) not in after:
                self._log.add("converter", name=text, flaw=FLAW_NAMES[flaw], on=False)
        for flaw, text in after:
            if (flaw, text) not in before:
                self._log.add("converter", name=text, flaw=FLAW_NAMES[flaw], on=True)

    def _mask(self, flaw: int) -> int:
        mask = 0
        for channel in range(len(CHANNELS)):
            if self._believed[channel] == flaw != CHANNEL_OK:
                mask |= 1 << channel
        return mask


def _named(masks: tuple) -> list:
    """Return (flaw, what has it) for all that is set in the masks, whole converters first."""
    found = []
    for n in range(3):
        mask = masks[n]
        for name, channels in _CHIPS:
            if mask & channels == channels:
                found.append((n + 1, "converter " + name))
                mask &= ~channels
        for channel, name in enumerate(CHANNELS):
            if mask >> channel & 1:
                found.append((n + 1, "channel " + name))
    return found

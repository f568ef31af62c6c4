"""The RP2040's own converter, with signals at its inputs GP26 to GP29."""

from collections.abc import Callable

from tools.emulator.machine import Machine

_TEMPERATURE_CODE = 876  # 27 degrees


class AdcInputs:
    """`source(channel, t_ns)` returns the code of an input, 0 is GP26; asked as each conversion ends."""

    def __init__(self, source: Callable[[int, float], int]) -> None:
        self.source = source
        self.conversions = 0

    def attach(self, machine: Machine) -> None:
        """Connect to the converter."""
        self._clock = machine.chip.clock
        machine.chip.adc.channel_values = self  # type: ignore[assignment]  # it is indexed, no more

    def __getitem__(self, channel: int) -> int:
        self.conversions += 1
        if channel > 3:
            return _TEMPERATURE_CODE
        code = self.source(channel, self._clock.nanos)
        if not 0 <= code <= 4095:
            raise ValueError(f"a converter of 12 bits has no code {code}")
        return code

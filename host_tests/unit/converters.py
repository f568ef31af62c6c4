"""Two MCP3208 on the pins of the modelled chip, as the data sheet DS21298 has them (figure 5-1)."""

import machine

_KEPT = 400  # the first ones; a long test would fill the memory


class Converters:
    """Both chips on one clock, chip select and command line. `code(chip, channel)` is what they convert.

    `conversions` are the first ones; `faults` collects what a real converter would not forgive.
    """

    def __init__(self, pins, code, absent=()):
        self.code = code
        self.clock, self.select, self.command = pins["adc_clock"], pins["adc_cs"], pins["adc_mosi"]
        self.data = (pins["adc_data_a"], pins["adc_data_b"])
        self.absent = absent
        self.conversions = []  # (time in us, channel)
        self.faults = []
        self.shortest_clock_us = 1000
        self._clock_was, self._select_was = 0, 1
        self._selected = False
        self._rises = 0
        self._start = 0
        self._channel = 0
        self._words = (0, 0)
        self._last_rise_us = -1000
        self._deselected_us = -1000
        machine.chip().changed.append(self.look)

    def look(self):
        driven = machine.pin_is_output
        if not (driven(self.clock) and driven(self.select) and driven(self.command)):
            return
        clock, select = machine.pin_level(self.clock), machine.pin_level(self.select)
        if select != self._select_was:
            self._select_was = select
            self._selected = not select
            self._rises = self._start = self._channel = 0
            if select:
                self._deselected_us = machine.now_us()
            elif machine.now_us() - self._deselected_us < 0.5:
                self.faults.append("deselected for less than 500 ns")
        if clock != self._clock_was:
            self._clock_was = clock
            if self._selected:
                if clock:
                    self._rise()
                elif self._start:
                    self._fall()

    def _rise(self):
        now = machine.now_us()
        if self._rises or self._start:
            self.shortest_clock_us = min(self.shortest_clock_us, now - self._last_rise_us)
        self._last_rise_us = now
        bit = machine.pin_level(self.command)
        if not self._start:
            self._start = bit
            return
        self._rises += 1
        if self._rises == 1 and not bit:
            self.faults.append("differential")
        if 2 <= self._rises <= 4:
            self._channel = self._channel * 2 + bit
        if self._rises == 4:
            if len(self.conversions) < _KEPT:
                self.conversions.append((now, self._channel))
            self._words = (self.code(0, self._channel), self.code(1, self._channel))

    def _fall(self):
        # After the channel's last bit one more clock completes the sample; then a zero, then twelve bits.
        place = self._rises - 5
        for chip in (0, 1):
            if chip not in self.absent and 0 <= place <= 12:
                bit = self._words[chip] >> (12 - place) & 1 if place else 0
                machine.drive_pin(self.data[chip], [(machine.now_us(), bit)])

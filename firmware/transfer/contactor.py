"""One contactor: its coil command and what its auxiliary contact says of it."""

from micropython import const

from firmware.ticks import advance

# An auxiliary contact bounces for a few milliseconds, and a neighbour's blow shakes it.
_DEBOUNCE_MS = const(15)


class Contactor:
    """Debounced feedback and elapsed times.

    `not_open` is True until the mirror contact has confirmed "open" without a break for the debounce
    time, and again only after it has been away as long.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.not_open = True
        self.commanded = False
        self.open_ms = 0  # without command and confirmed open
        self.wrong_ms = 0  # feedback contradicts the command
        self._raw = True
        self._steady_ms = 0

    def step(self, commanded: bool, raw_not_open: bool, dt_ms: int) -> None:
        """Take the present coil state and feedback; `dt_ms` since the last call."""
        if raw_not_open != self._raw:
            self._raw = raw_not_open
            self._steady_ms = 0
        else:
            self._steady_ms = advance(self._steady_ms, dt_ms)
        if self._steady_ms >= _DEBOUNCE_MS:
            self.not_open = raw_not_open
        if commanded != self.commanded:
            self.commanded = commanded
            self.wrong_ms = 0
        elif self.not_open != commanded:
            self.wrong_ms = advance(self.wrong_ms, dt_ms)
        else:
            self.wrong_ms = 0
        if commanded or self.not_open:
            self.open_ms = 0
        else:
            self.open_ms = advance(self.open_ms, dt_ms)

    @property
    def closed(self) -> bool:
        """True when commanded and not denied by the feedback."""
        return self.commanded and self.not_open

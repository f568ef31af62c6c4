"""A strict coil driver to stand for the board's: it refuses what the real one would, and remembers all."""


class CoilDriver:
    """`mask` is energised; `history` every mask in turn; `open_grid` is the fast trip."""

    def __init__(self):
        self.mask = 0
        self.trips = 0
        self.writes = 0
        self.history = []

    def write(self, mask, trips):
        assert type(mask) is int and type(trips) is int, (mask, trips)
        assert 0 <= mask <= 15, mask
        assert not (mask & 1 and mask & 14), "both sides together: %d" % mask
        if trips != self.trips:
            mask &= ~1
        self.writes += 1
        self._set(mask)

    def open_grid(self):
        self.trips += 1
        self._set(self.mask & ~1)

    def _set(self, mask):
        # Break before make: no coil of the one side is taken over from the other in one store.
        assert not (self.mask & 1 and mask & 14), "K_GRID to Q without a pause"
        assert not (self.mask & 14 and mask & 1), "Q to K_GRID without a pause"
        self.mask = mask
        self.history.append(mask)

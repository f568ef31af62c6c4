"""Energy counters, integer all the way: a single-precision float stops counting near 16 MWh.

The step is one millijoule. A counter is a count of whole watt hours and a remainder below 3,600,000 mJ,
so that neither ever leaves the board's small integers (2^30 Wh is 1 TWh).
"""

from micropython import const

_WH_MJ = const(3600000)
# No-load threshold per phase: 1/1000 of In = 10 A at 230 V, the starting current of IEC 62053-22.
_STARTING_W = 2.3


class Counter:
    """One energy counter in Wh."""

    def __init__(self) -> None:
        self.wh = 0
        self._rest_mj = 0

    def add(self, millijoules: int) -> None:
        """Add a non-negative amount."""
        rest = self._rest_mj + millijoules
        if rest >= _WH_MJ:
            self.wh += rest // _WH_MJ
            rest %= _WH_MJ
        self._rest_mj = rest


class Register:
    """The counters of L1..L3 and of the total, in Wh, for one direction."""

    def __init__(self) -> None:
        self.counters = [Counter() for _ in range(4)]

    def wh(self) -> list:
        """Return the four counts in Wh."""
        return [counter.wh for counter in self.counters]

    def restore(self, counts: list) -> None:
        """Continue from stored counts in Wh."""
        for counter, wh in zip(self.counters, counts):
            counter.wh = wh


class Energy:
    """Grid import and export and PV production.

    The total counts the sum of the phases' powers at each instant (import on one phase and export on
    another cancel), as the energy meters of the utilities do; the phases count each for itself.
    """

    def __init__(self) -> None:
        self._import = Register()
        self._export = Register()
        self._pv = Register()

    grid_import = property(lambda self: self._import.wh())
    grid_export = property(lambda self: self._export.wh())
    pv = property(lambda self: self._pv.wh())

    def add(self, grid_p: list, pv_p: list, ms: int) -> None:
        """Count powers in W (L1..L3, total) that lasted `ms`."""
        for n in range(4):
            power = grid_p[n]
            if power >= _STARTING_W:
                self._import.counters[n].add(int(power * ms + 0.5))
            elif power <= -_STARTING_W:
                self._export.counters[n].add(int(-power * ms + 0.5))
            power = pv_p[n]
            if power >= _STARTING_W:
                self._pv.counters[n].add(int(power * ms + 0.5))

    def snapshot(self) -> list:
        """Return all counts in Wh, as `restore` takes them."""
        return [self._import.wh(), self._export.wh(), self._pv.wh()]

    def restore(self, counts: list) -> None:
        """Continue from a snapshot."""
        for register, values in zip((self._import, self._export, self._pv), counts):
            register.restore(values)

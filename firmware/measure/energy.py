"""Energy counters, whole numbers all the way: a single-precision float stops counting near 16 MWh.

The step is 0.01 mJ, 0.01 W for a millisecond. A counter is a count of whole watt hours and a rest below
360,000,000 steps, so that neither ever leaves the board's small integers (2^30 Wh is 1 GWh).
"""

from micropython import const

_WH_STEPS = const(360000000)
# No-load threshold per phase: 1/1000 of In = 10 A at 230 V, the starting current of IEC 62053-22.
_STARTING_CW = const(230)


class Register:
    """The counts of L1..L3 and of the total, `wh` in Wh, for one direction."""

    def __init__(self) -> None:
        self.wh = [0] * 4
        self._rest = [0] * 4

    def add(self, n: int, steps: int) -> None:
        """Add a non-negative amount to count `n`. Rest and steps together stay below 2^30."""
        rest = self._rest[n] + steps
        if rest >= _WH_STEPS:
            self.wh[n] += rest // _WH_STEPS
            rest %= _WH_STEPS
        self._rest[n] = rest

    def restore(self, counts: list) -> None:
        """Continue from stored counts in Wh."""
        for n in range(4):
            self.wh[n] = counts[n]
            self._rest[n] = 0


class Energy:
    """Grid import and export and PV production.

    The total counts the sum of the phases' powers at each instant (import on one phase and export on
    another cancel), as the energy meters of the utilities do; the phases count each for itself.
    """

    def __init__(self) -> None:
        self._import = Register()
        self._export = Register()
        self._pv = Register()
        self.grid_import = self._import.wh
        self.grid_export = self._export.wh
        self.pv = self._pv.wh

    def add(self, grid_p_cw: list, pv_p_cw: list, ms: int) -> None:
        """Count powers in 0.01 W (L1..L3, total) that lasted `ms`; 100 ms at 57 kW are 5.7e8 steps."""
        for n in range(4):
            power = grid_p_cw[n]
            if power >= _STARTING_CW:
                self._import.add(n, power * ms)
            elif power <= -_STARTING_CW:
                self._export.add(n, -power * ms)
            power = pv_p_cw[n]
            if power >= _STARTING_CW:
                self._pv.add(n, power * ms)

    def clear(self) -> None:
        """Begin anew."""
        self.restore([[0] * 4] * 3)

    def snapshot(self) -> list:
        """Return all counts in Wh, as `restore` takes them."""
        return [list(self.grid_import), list(self.grid_export), list(self.pv)]

    def restore(self, counts: list) -> None:
        """Continue from a snapshot."""
        self._import.restore(counts[0])
        self._export.restore(counts[1])
        self._pv.restore(counts[2])

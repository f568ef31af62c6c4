"""The measured values, in volts, amperes, watts, var, voltamperes and hertz."""


class Readings:
    """One set of values; lists of three are L1..L3, lists of four L1..L3 and the total.

    Signs: import from the grid positive, export negative; PV production positive; reactive power
    positive when the current lags the voltage. A total apparent power is the sum of the phases'.
    """

    def __init__(self) -> None:
        self.v = [0.0] * 3  # grid, before K_GRID
        self.u = [0.0] * 3  # load bus
        self.b = [0.0] * 3  # backup output, before the Qs
        self.i = [0.0] * 3
        self.pv_i = [0.0] * 3
        self.grid_p = [0.0] * 4
        self.grid_q = [0.0] * 4
        self.grid_s = [0.0] * 4
        self.grid_pf = [0.0] * 4
        self.pv_p = [0.0] * 4
        self.pv_q = [0.0] * 4
        self.pv_s = [0.0] * 4
        self.pv_pf = [0.0] * 4
        self.frequency = 0.0  # 0.0: not measurable


def complete(p: list, q: list, s: list, pf: list) -> None:
    """Fill in the totals and the power factors (active by apparent power, signed like the active power)."""
    p[3] = p[0] + p[1] + p[2]
    q[3] = q[0] + q[1] + q[2]
    s[3] = s[0] + s[1] + s[2]
    for n in range(4):
        # Below 1 VA the quotient is one of noise by noise.
        pf[n] = max(-1.0, min(1.0, p[n] / s[n])) if s[n] >= 1.0 else 0.0

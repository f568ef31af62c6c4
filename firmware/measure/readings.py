"""The measured values, as whole numbers in small units: the names say which."""

from firmware.measure.fixed import per_mille

_LEAST_CVA = 100  # below 1 VA a power factor would be one of noise by noise


class Readings:
    """One set of values; lists of three are L1..L3, lists of four L1..L3 and the total.

    cv 0.01 V, ma mA, cw 0.01 W, cvar 0.01 var, cva 0.01 VA, mil 1/1000, mhz mHz (0: not measurable).

    Signs: import from the grid positive, export negative; PV production positive; reactive power
    positive when the current lags the voltage. A total apparent power is the sum of the phases'.
    """

    def __init__(self) -> None:
        self.v_cv = [0] * 3  # grid, before K_GRID
        self.u_cv = [0] * 3  # load bus
        self.b_cv = [0] * 3  # backup output, before the Qs
        self.i_ma = [0] * 3
        self.pv_i_ma = [0] * 3
        self.grid_p_cw = [0] * 4
        self.grid_q_cvar = [0] * 4
        self.grid_s_cva = [0] * 4
        self.grid_pf_mil = [0] * 4
        self.pv_p_cw = [0] * 4
        self.pv_q_cvar = [0] * 4
        self.pv_s_cva = [0] * 4
        self.pv_pf_mil = [0] * 4
        self.frequency_mhz = 0

    def complete(self) -> None:
        """Fill in the totals and the power factors of both meters."""
        _complete(self.grid_p_cw, self.grid_q_cvar, self.grid_s_cva, self.grid_pf_mil)
        _complete(self.pv_p_cw, self.pv_q_cvar, self.pv_s_cva, self.pv_pf_mil)


def _complete(p: list, q: list, s: list, pf: list) -> None:
    p[3] = p[0] + p[1] + p[2]
    q[3] = q[0] + q[1] + q[2]
    s[3] = s[0] + s[1] + s[2]
    for n in range(4):
        pf[n] = per_mille(p[n], s[n]) if s[n] >= _LEAST_CVA else 0

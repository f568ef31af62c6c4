"""Readings in volts, amperes, watts and hertz, for tests and pictures. Portable."""


class InUnits:
    """The values of a `Readings` as floats: `v`, `u`, `b`, `i`, `pv_i`, `grid_p`, ..., `frequency`."""

    def __init__(self, readings) -> None:
        self.v = _divided(readings.v_cv, 100)
        self.u = _divided(readings.u_cv, 100)
        self.b = _divided(readings.b_cv, 100)
        self.i = _divided(readings.i_ma, 1000)
        self.pv_i = _divided(readings.pv_i_ma, 1000)
        self.grid_p = _divided(readings.grid_p_cw, 100)
        self.grid_q = _divided(readings.grid_q_cvar, 100)
        self.grid_s = _divided(readings.grid_s_cva, 100)
        self.grid_pf = _divided(readings.grid_pf_mil, 1000)
        self.pv_p = _divided(readings.pv_p_cw, 100)
        self.pv_q = _divided(readings.pv_q_cvar, 100)
        self.pv_s = _divided(readings.pv_s_cva, 100)
        self.pv_pf = _divided(readings.pv_pf_mil, 1000)
        self.frequency = readings.frequency_mhz / 1000


def _divided(values: list, by: int) -> list:
    return [value / by for value in values]

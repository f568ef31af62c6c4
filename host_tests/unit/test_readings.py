"""Totals and power factors of a set of readings."""

from firmware.measure.readings import Readings


def test_totals_and_power_factors():
    readings = Readings()
    readings.grid_p_cw[:3] = [100000, -50000, 10000]
    readings.grid_q_cvar[:3] = [10000, 20000, -3000]
    readings.grid_s_cva[:3] = [110000, 60000, 10000]
    readings.pv_p_cw[:3] = [99, 100, 2000000]
    readings.pv_s_cva[:3] = [99, 100, 2100000]
    readings.complete()
    assert (
        readings.grid_p_cw[3] == 60000
        and readings.grid_q_cvar[3] == 27000
        and readings.grid_s_cva[3] == 180000
    )
    assert readings.grid_pf_mil == [909, -833, 1000, 333]
    assert readings.pv_pf_mil == [0, 1000, 952, 952], "below 1 VA there is none"

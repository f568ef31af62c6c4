"""Load management as product.md gives it, through the whole box."""

from firmware.signals import BACKUP, GRID
from host_tests.closed_loop.bench import box, commit, events

OUTAGE = {"grid_v": [0.0] * 3}
SOUND = {"grid_v": [230.0] * 3}


def managed(limits, steps, priorities=(1, 2, 3), until_ms=20000.0):
    settings = {"load_management_enable": 1}
    for n in range(3):
        settings["priority_l%d" % (n + 1)] = priorities[n]
        settings["soc_min_l%d" % (n + 1)] = limits[n]
    first = [dict(OUTAGE, at_s=5.0)]
    return box(first + steps, "phasor", until_ms, settings)


def supplied(sim, until_s):
    sim.run_until(until_s * 1000.0)
    assert sim.box.state == BACKUP
    return sim.box.phases_supplied


def test_50_and_40_percent():
    steps = [{"at_s": 20.0 + 10 * n, "soc": soc} for n, soc in enumerate((51, 50, 49, 40, 39, 11, 10, 9))]
    sim = managed((10, 40, 50), steps)
    expected = (7, 7, 3, 3, 1, 1, 1, 0)
    for n, phases in enumerate(expected):
        assert supplied(sim, 28.0 + 10 * n) == phases, n


def test_30_and_20_percent():
    steps = [{"at_s": 20.0 + 10 * n, "soc": soc} for n, soc in enumerate((30, 29, 20, 19))]
    sim = managed((10, 20, 30), steps)
    for n, phases in enumerate((7, 3, 3, 1)):
        assert supplied(sim, 28.0 + 10 * n) == phases, n


def test_restored_with_hysteresis_and_a_minute_between_two():
    steps = [{"at_s": 20.0, "soc": 15}, {"at_s": 40.0, "soc": 34}, {"at_s": 60.0, "soc": 60}]
    sim = managed((10, 20, 30), steps)
    assert supplied(sim, 30.0) == 1
    assert supplied(sim, 50.0) == 3, "34 is above 20 + 5, and below 30 + 5"
    sim.run_until(130000.0)
    shed = [e for e in sim.events if e["event"] == "shed" and e["supplied"]]
    assert [e["phase"] for e in shed] == [2, 3]
    assert shed[1]["t_ms"] - shed[0]["t_ms"] >= 60000
    assert supplied(sim, 131.0) == 7


def test_other_orders_of_priority():
    sim = managed((50, 10, 40), [{"at_s": 20.0, "soc": 45}, {"at_s": 40.0, "soc": 20}], (3, 1, 2))
    assert supplied(sim, 30.0) == 6
    assert supplied(sim, 50.0) == 2


def test_stale_soc_holds_everything():
    steps = [
        {"at_s": 20.0, "soc": 25},
        {"at_s": 30.0, "soc_silent": True},
        {"at_s": 31.0, "soc": 5},
        {"at_s": 200.0, "soc_silent": False},
    ]
    sim = managed((10, 20, 30), steps)
    assert supplied(sim, 28.0) == 3
    assert supplied(sim, 199.0) == 3
    assert sim.box.warnings & 1 and sim.box.battery.age_s() > 160
    assert supplied(sim, 210.0) == 0
    assert not sim.box.warnings & 1


def test_a_sagging_backup_output_restores_nothing():
    steps = [
        {"at_s": 15.0, "soc": 25},
        {"at_s": 20.0, "soc_silent": True},
        {"at_s": 100.0, "backup_v": 0.0},
        {"at_s": 102.0, "backup_v": 230.0},
    ]
    sim = managed((10, 20, 30), steps)
    assert supplied(sim, 99.0) == 3
    assert supplied(sim, 150.0) == 3
    assert not events(sim, "shed", phase=3, supplied=True)


def test_nothing_is_shed_outside_backup():
    sim = managed((10, 20, 30), [{"at_s": 20.0, "soc": 5}, dict(SOUND, at_s=40.0)])
    assert supplied(sim, 30.0) == 0
    sim.run_until(50000.0)
    assert sim.box.state == GRID and sim.box.phases_supplied == 7


def test_disabled_sheds_nothing():
    sim = box([dict(OUTAGE, at_s=5.0), {"at_s": 10.0, "soc": 1}], "phasor", 30000.0)
    assert sim.box.state == BACKUP and sim.box.phases_supplied == 7


def test_phases_below_their_limit_are_not_closed_at_all():
    sim = managed((10, 20, 30), [{"at_s": 0.0, "soc": 25}])
    assert supplied(sim, 15.0) == 3
    assert not events(sim, "coil", name="Q_L3", on=True)


def test_a_single_phase_inverter_feeds_its_phase_only():
    sim = box([dict(OUTAGE, at_s=5.0)], "phasor", 2500.0)
    commit(sim, {"backup_phases": 2})
    sim.run_until(15000.0)
    assert sim.box.state == BACKUP and sim.box.coils == 4 and sim.box.phases_supplied == 2

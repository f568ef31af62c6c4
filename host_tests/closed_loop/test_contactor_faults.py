"""Contactors that fail: nothing closes onto the other side, retries, lockout, and the way back."""

from firmware.signals import BACKUP, FAULT, GRID
from host_tests.closed_loop.bench import box, coil, events

OUTAGE = {"grid_v": [0.0] * 3}
SOUND = {"grid_v": [230.0] * 3}
LEVELS = ("sample", "phasor")


def at(t_s, step):
    return dict(step, at_s=t_s)


def no_q(sim):
    return not any(coil(sim, "Q_L%d" % n, True) for n in (1, 2, 3))


def test_a_welded_grid_contactor_never_lets_a_q_close():
    for fault in ("weld_grid", "aux_grid"):
        for level in LEVELS:
            sim = box([at(2.9, {"fault": fault}), at(3.0, OUTAGE)], level, 12000.0)
            assert sim.box.state == FAULT and no_q(sim)
            assert sim.box.faults & 1, "k_grid_not_open"
            sim.run_until(60000.0)
            assert no_q(sim) and sim.plant.hazards == 0
            assert len(events(sim, "fault", name="k_grid_not_open")) == 4, "one and three retries"
            assert sim.box.faults >> 8 & 15 == 14, "the Qs are locked"


def test_nothing_closes_onto_a_bus_that_a_weld_keeps_live():
    """The grid comes back through the welded contactor: the house has it, and the box adds nothing."""
    steps = [at(2.9, {"fault": "weld_grid"}), at(3.0, OUTAGE), at(60.0, SOUND)]
    sim = box(steps, "phasor", 150000.0)
    assert sim.box.coils == 0 and no_q(sim)
    assert len(coil(sim, "K_GRID", True)) == 1
    assert sim.plant.load_volts(0) > 200.0


def test_the_grid_comes_back_when_only_the_mirror_wire_is_broken():
    steps = [at(2.9, {"fault": "aux_grid"}), at(3.0, OUTAGE), at(60.0, SOUND)]
    sim = box(steps, "phasor", 70000.0)
    assert sim.box.state == GRID and sim.box.phases_supplied == 7 and no_q(sim)


def test_a_hidden_weld_of_a_q_is_blamed_on_it_and_the_others_go_on():
    steps = [at(3.0, {"fault": "hidden_weld_q1"}), at(4.0, OUTAGE), at(34.0, SOUND)]
    sim = box(steps, "phasor", 200000.0)
    assert sim.plant.hazards == 0
    assert not sim.box.faults & 1 and sim.box.faults & 2
    assert sim.box.state == BACKUP and sim.box.phases_supplied & 6 == 6


def test_a_hidden_weld_is_seen_by_the_voltage():
    """Two phases of the grid are still there, and so they are on the bus: the mirror contact lies."""
    steps = [at(2.9, {"fault": "hidden_weld_grid"}), at(3.0, {"grid_v": [230.0, 0.0, 230.0]})]
    for level in LEVELS:
        sim = box(steps, level, 60000.0 if level == "phasor" else 12000.0)
        assert no_q(sim) and sim.plant.hazards == 0
        assert sim.box.faults & 1


def test_a_repaired_weld_lets_the_next_retry_through():
    steps = [at(2.9, {"fault": "weld_grid"}), at(3.0, OUTAGE), at(8.0, {"fault": "none"})]
    sim = box(steps, "phasor", 20000.0)
    assert sim.box.state == BACKUP and sim.box.phases_supplied == 7
    assert sim.box.faults == 1, "the fault stays shown"


def test_a_stuck_q_is_retried_and_then_locked_out_and_the_others_go_on():
    for level in LEVELS:
        sim = box([at(2.9, {"fault": "stuck_q2"}), at(3.0, OUTAGE)], level, 60000.0)
        assert sim.box.state == BACKUP
        assert sim.box.phases_supplied == 5
        assert len(coil(sim, "Q_L2", True)) == 4, "one and three retries"
        assert sim.box.faults >> 8 & 15 == 4, "Q_L2 is locked"
        sim.run_until(120000.0)
        assert len(coil(sim, "Q_L2", True)) == 4
        sim.apply({"fault": "none"})
        sim.box.reset_faults()
        sim.run_until(125000.0)
        assert sim.box.phases_supplied == 7 and sim.box.faults == 0


def test_a_stuck_grid_contactor_leaves_the_house_on_backup():
    steps = [at(3.0, OUTAGE), at(4.0, {"fault": "stuck_grid"}), at(8.0, SOUND)]
    sim = box(steps, "phasor", 90000.0)
    assert sim.box.state == BACKUP and sim.box.phases_supplied == 7
    assert len(coil(sim, "K_GRID", True)) == 1 + 4, "one and three retries"
    assert sim.box.faults >> 8 & 15 == 1
    assert sim.plant.hazards == 0


def test_a_welded_q_keeps_the_grid_off_for_good():
    steps = [at(3.0, OUTAGE), at(6.0, {"fault": "weld_q3"}), at(8.0, SOUND)]
    for level in LEVELS:
        sim = box(steps, level, 60000.0 if level == "phasor" else 20000.0)
        assert len(coil(sim, "K_GRID", True)) == 1
        assert sim.box.faults & 8 and sim.plant.hazards == 0
        assert sim.box.state == BACKUP and sim.box.phases_supplied & 3 == 3


def test_a_broken_mirror_wire_of_a_q_opens_the_grid_and_the_house_goes_to_backup():
    sim = box([at(5.0, {"fault": "aux_q1"})], until_ms=7000.0)
    assert sim.box.state == BACKUP and sim.box.faults & 2
    assert sim.box.phases_supplied == 7


def test_a_k_grid_whose_feedback_breaks_in_backup_opens_the_qs_at_once():
    sim = box([at(3.0, OUTAGE), at(6.0, {"fault": "aux_grid"})], until_ms=8000.0)
    assert sim.box.state == FAULT and sim.box.coils == 0
    opened = coil(sim, "Q_L1", False)[0]
    assert 6000 <= opened <= 6030


def test_lockout_is_reset_by_the_operating_switch():
    steps = [
        at(2.9, {"fault": "weld_grid"}),
        at(3.0, OUTAGE),
        at(50.0, {"fault": "none"}),
        at(55.0, {"switch": "off"}),
        at(56.0, {"switch": "auto"}),
    ]
    sim = box(steps, "phasor", 54000.0)
    assert sim.box.faults >> 8 & 15 == 14
    sim.run_until(65000.0)
    assert sim.box.faults == 0 and sim.box.state == BACKUP

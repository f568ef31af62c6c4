"""The whole box and the plant: outage, backup, return, switches, restart."""

from firmware.signals import BACKUP, BYPASS, GRID, OFF, TEST, TO_BACKUP
from host_tests.closed_loop.bench import box, coil, commit, events, stage
from tools.units import InUnits

OUTAGE = {"grid_v": [0.0] * 3}
SOUND = {"grid_v": [230.0] * 3}


def at(t_s, step):
    return dict(step, at_s=t_s)


def test_the_house_is_on_the_grid_two_seconds_after_the_start():
    sim = box()
    assert sim.box.state == GRID
    assert 2000 <= coil(sim, "K_GRID", True)[0] <= 2100
    assert sim.box.phases_supplied == 7 and sim.box.coils == 1 and sim.box.feedback == 1


def test_outage_at_any_angle_opens_within_8_ms_and_backup_follows():
    for n in range(10):
        fail_s = 3.0 + n * 0.002
        sim = box([at(fail_s, OUTAGE)], until_ms=4500.0)
        opened = coil(sim, "K_GRID", False)[0]
        assert 0 < opened - fail_s * 1000 <= 8.0
        confirmed = events(sim, "aux", name="grid", not_open=False)[-1]
        closed = [coil(sim, "Q_L%d" % phase, True)[0] for phase in (1, 2, 3)]
        assert closed[0] - confirmed >= 50.0
        assert 200.0 <= closed[1] - closed[0] <= 205.0 and 200.0 <= closed[2] - closed[1] <= 205.0
        assert sim.box.state == BACKUP and sim.box.phases_supplied == 7
        assert sim.plant.hazards == 0


def test_no_q_closes_before_the_backup_voltage_is_there():
    sim = box([at(2.9, {"backup_delay_s": 4.0}), at(3.0, OUTAGE)], until_ms=6900.0)
    assert sim.box.state == TO_BACKUP and not coil(sim, "Q_L1", True)
    sim.run_until(8500.0)
    assert coil(sim, "Q_L1", True)[0] > 7000.0


def test_backup_voltage_out_of_range_is_not_used():
    sim = box([at(2.9, {"backup_v": 170.0}), at(3.0, OUTAGE)], until_ms=9000.0)
    assert sim.box.state == TO_BACKUP and not coil(sim, "Q_L1", True)
    assert sim.box.warnings & 32  # no_backup


def test_return_at_once_with_dip_4_off():
    sim = box([at(3.0, OUTAGE), at(8.0, SOUND)], until_ms=12000.0)
    assert sim.box.state == GRID
    opened = coil(sim, "Q_L1", False)[0]
    assert 10000 <= opened <= 10150
    closed = coil(sim, "K_GRID", True)[1]
    confirmed = max(events(sim, "aux", name="q%d" % n, not_open=False)[-1] for n in (1, 2, 3))
    assert closed - confirmed >= 50.0
    assert sim.plant.hazards == 0


def test_dip_4_delays_the_return_by_310_s_and_a_fresh_outage_restarts_the_count():
    dip = {"dip": [0, 0, 0, 1]}
    steps = [at(0.0, dip), at(10.0, OUTAGE), at(20.0, SOUND), at(200.0, OUTAGE), at(205.0, SOUND)]
    sim = box(steps, "phasor", 400000.0)
    assert sim.box.state == BACKUP
    assert 110 <= sim.box.countdown_s <= 116
    sim.run_until(514000.0)
    assert sim.box.state == BACKUP
    sim.run_until(518000.0)
    assert sim.box.state == GRID
    assert 515000 <= coil(sim, "K_GRID", True)[1] <= 516500


def test_a_changed_dip_waits_for_a_restart():
    steps = [at(1.0, {"dip": [0, 0, 0, 1]}), at(10.0, OUTAGE), at(20.0, SOUND)]
    sim = box(steps, "phasor", 30000.0)
    assert sim.box.state == GRID, "the return is not delayed yet"
    assert sim.box.dip == 0 and sim.box.dip_changed == 1 and sim.box.warnings & 4
    for step in (at(31.0, {"restart": True}), at(40.0, OUTAGE), at(50.0, SOUND)):
        sim.add_step(step)
    sim.run_until(120000.0)
    assert sim.box.dip == 8 and sim.box.dip_changed == 0
    assert sim.box.state == BACKUP and sim.box.countdown_s > 0
    sim.run_until(365000.0)
    assert sim.box.state == GRID


def test_too_many_transfers_force_the_delay():
    steps = []
    for n in range(4):
        steps += [at(10.0 + 20 * n, OUTAGE), at(15.0 + 20 * n, SOUND)]
    sim = box(steps, "phasor", 120000.0)
    assert sim.box.state == BACKUP and sim.box.warnings & 2
    sim.run_until(395000.0)
    assert sim.box.state == GRID


def test_phase_loss_names_the_phase():
    sim = box([at(3.0, {"grid_v": [230.0, 0.0, 230.0]})], until_ms=5000.0)
    assert sim.box.state == BACKUP
    assert events(sim, "state", state="to_backup", reason="phase_loss", phase=2)
    assert sim.box.failing_phase == 2


def test_frequency_opens_within_its_confirmation():
    sim = box([at(3.0, {"grid_hz": 47.2})], until_ms=4000.0)
    opened = coil(sim, "K_GRID", False)[0]
    assert events(sim, "state", state="to_backup", reason="frequency")
    assert 3080 <= opened <= 3160, opened


def test_a_slow_frequency_change_inside_the_limits_is_harmless():
    steps = [at(3.0 + 0.1 * n, {"grid_hz": 50.0 - 0.2 * n}) for n in range(12)]  # 2 Hz a second to 47.8
    sim = box(steps, until_ms=6000.0)
    assert sim.box.state == GRID
    assert abs(InUnits(sim.box.readings).frequency - 47.8) < 0.01


def test_wrong_sequence_or_one_phase_on_two_inputs_is_never_good():
    for degrees in ([0, 120, -120], [0, 0, 120], [0, -120, -120]):
        sim = box([at(0.0, {"grid_deg": degrees})], until_ms=8000.0)
        assert not coil(sim, "K_GRID", True)
        assert sim.box.state_reason == 7


def test_sequence_swapped_during_an_outage_keeps_the_house_on_backup():
    steps = [at(3.0, OUTAGE), at(5.0, {"grid_deg": [0, 120, -120], "grid_v": [230.0] * 3})]
    sim = box(steps, until_ms=12000.0)
    assert sim.box.state == BACKUP and len(coil(sim, "K_GRID", True)) == 1


def test_operating_switch_and_bypass_open_everything_and_metering_goes_on():
    for step, state, back in (
        ({"switch": "off"}, OFF, {"switch": "auto"}),
        ({"bypass": True}, BYPASS, {"bypass": False}),
    ):
        sim = box([at(3.0, step)], until_ms=4000.0)
        assert sim.box.state == state and sim.box.coils == 0
        assert abs(InUnits(sim.box.readings).v[0] - 230.0) < 1.0
        sim.add_step(at(4.0, back))
        sim.run_until(8000.0)
        assert sim.box.state == GRID


def test_a_restart_keeps_what_is_stored_and_opens_the_coils():
    sim = box()
    commit(sim, {"unit_address": 17, "stagger_ms": 333})
    stage(sim, {"stagger_ms": 444})
    sim.add_step(at(3.5, {"restart": True}))
    sim.run_until(3600.0)
    assert sim.board.coils.mask == 0
    sim.run_until(8000.0)
    assert sim.box.state == GRID
    assert sim.box.settings["unit_address"] == 17 and sim.box.settings["stagger_ms"] == 333
    assert not sim.box.staging.staged


def test_unreadable_settings_keep_the_coils_open_until_a_reset():
    sim = box()
    for name in list(sim.storage.records):
        sim.storage.records[name] = b"nonsense"
    sim.storage.records["settings.a"] = b"nonsense"
    sim.add_step(at(3.5, {"restart": True}))
    sim.run_until(10000.0)
    assert sim.box.coils == 0 and sim.box.faults & 4096
    sim.box.reset_faults()
    sim.run_until(14000.0)
    assert sim.box.state == GRID
    sim.add_step(at(14.1, {"restart": True}))
    sim.run_until(19000.0)
    assert sim.box.state == GRID, "the reset has stored the defaults"


def test_backup_that_fails_is_left_and_taken_again():
    steps = [at(3.0, OUTAGE), at(6.0, {"backup_v": 150.0}), at(12.0, {"backup_v": 230.0})]
    sim = box(steps, until_ms=11000.0)
    assert sim.box.state == TO_BACKUP and sim.box.coils == 0
    sim.run_until(20000.0)
    assert sim.box.state == BACKUP and sim.box.phases_supplied == 7


def test_the_same_run_at_both_levels_decides_the_same():
    steps = [at(5.0, OUTAGE), at(20.0, SOUND)]
    sims = [box(steps, level, 26000.0) for level in ("sample", "phasor")]
    seen = [[(e["state"], e["reason"]) for e in s.events if e["event"] == "state"] for s in sims]
    assert seen[0] == seen[1], seen
    for name in ("K_GRID", "Q_L1", "Q_L2", "Q_L3"):
        for on in (True, False):
            first, second = coil(sims[0], name, on), coil(sims[1], name, on)
            assert len(first) == len(second)
            for a, b in zip(first, second):
                assert abs(a - b) < 250.0, (name, on, a, b)


def test_transfers_across_the_wrap_of_the_microsecond_counter():
    from tools.simulator.simulation import Simulation

    for offset_ms in (3000, 3050, 3200, 5100):
        sim = Simulation([at(3.0, OUTAGE), at(6.0, SOUND)], ticks_us=-offset_ms * 1000)
        sim.run_until(10000.0)
        assert sim.box.state == GRID and len(coil(sim, "Q_L3", True)) == 1


def test_energy_is_stored_on_leaving_the_grid_but_not_at_every_change():
    steps = [at(5.0, OUTAGE)] + [at(20.0 + 15 * n, {"backup_v": 230.0 * (n % 2)}) for n in range(20)]
    sim = box(steps, "phasor", 4000.0)
    before = sim.storage.writes
    sim.run_until(320000.0)
    assert len(events(sim, "state", state="backup")) > 5
    assert sim.storage.writes == before + 1
    sim.add_step(at(700.0, {"switch": "off"}))
    sim.run_until(701000.0)
    assert sim.storage.writes == before + 2


def test_a_test_of_the_transfer_and_an_outage_in_the_middle_of_one():
    sim = box([at(30.0, OUTAGE), at(40.0, SOUND)], until_ms=5000.0)
    assert sim.box.state == GRID and sim.box.test_transfer(15)
    sim.run_until(10000.0)
    assert sim.box.state == BACKUP and sim.box.state_reason == TEST and sim.box.phases_supplied == 7
    assert sim.box.test_s == 10
    sim.run_until(22000.0)
    assert sim.box.state == GRID and sim.box.coils == 1 and not sim.box.faults
    assert sim.box.test_transfer(600)
    sim.run_until(35000.0)
    assert sim.box.state == BACKUP and sim.box.test_s == 0, "it has become an outage"
    sim.run_until(45000.0)
    assert sim.box.state == GRID and sim.plant.hazards == 0

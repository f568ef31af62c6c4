"""The transfer machine on the switch bench: every way, every failure on it, and that nothing ever joins."""

from firmware.signals import (
    DEEP_DIP,
    FAULT_SETTINGS,
    INTERRUPTION,
    K_GRID,
    Q_ALL,
    Q_L1,
    Q_L2,
    Q_L3,
    TEST,
    UNDERVOLTAGE,
)
from host_tests.unit.switch_bench import STEP_MS, Bench, on_backup, on_grid


def _never_joined(bench):
    assert bench.joined_ms == 0
    return True


# -- the ways ------------------------------------------------------------------------------------------


def test_start_onto_a_good_grid():
    bench = Bench()
    assert bench.state == "starting"
    bench.until("to_grid")
    assert 1990 <= bench.t_ms <= 2010, "the qualification time"
    assert not bench.front.watch.armed
    bench.until("grid")
    assert bench.front.watch.armed
    assert bench.driver.history == [K_GRID]
    assert bench.grid.transfers == [], "a start is not a transfer"
    assert bench.machine.reason == 0


def test_start_without_grid_goes_to_backup_after_a_second():
    bench = Bench()
    bench.fail_grid()
    assert bench.run(990) == "starting"
    bench.until("backup")
    bench.run(1000)
    assert bench.driver.mask == Q_ALL
    assert bench.machine.reason == UNDERVOLTAGE and bench.machine.phase == 2
    assert len(bench.grid.transfers) == 1


def test_start_onto_a_grid_that_is_neither_good_nor_bad():
    bench = Bench()
    for _ in range(599):
        bench.grid.good_ms = 0
        bench.step(5)
        assert bench.state == "starting"
    bench.grid.good_ms = 0
    bench.step(5)
    assert bench.state == "to_backup" and bench.t_ms == 3000


def test_an_outage_and_the_return():
    bench = on_grid()
    bench.fail_grid(INTERRUPTION, 1)
    bench.trip(INTERRUPTION, 1)
    bench.step(5)
    assert bench.state == "to_backup" and bench.machine.reason == INTERRUPTION and bench.machine.phase == 1
    assert not bench.front.watch.armed
    bench.until("backup")
    assert bench.driver.mask == 0, "the load management judges backup before a phase closes"
    bench.step(1)
    assert bench.driver.mask == Q_L1, "the first phase closes without waiting"
    bench.run(195)
    assert bench.driver.mask == Q_L1
    bench.run(10)
    assert bench.driver.mask == Q_L1 | Q_L2, "the second after the stagger time"
    bench.run(210)
    assert bench.driver.mask == Q_ALL
    bench.heal_grid()
    bench.until("to_grid")
    bench.step(5)
    assert bench.driver.mask == 0
    assert bench.until("grid") < 300
    assert bench.driver.mask == K_GRID
    assert len(bench.grid.transfers) == 2
    assert _never_joined(bench)


def test_dead_time_is_kept_both_ways():
    for dead_ms in (30, 200, 1000):
        bench = on_grid(dead_time_ms=dead_ms)
        bench.fail_grid()
        bench.step(5)
        off_ms = bench.t_ms
        bench.until("backup")
        assert bench.t_ms - off_ms >= dead_ms
        bench.run(1000)
        bench.heal_grid()
        bench.until("to_grid")
        bench.step(5)
        off_ms = bench.t_ms
        while not bench.driver.mask:
            bench.step(5)
        assert bench.t_ms - off_ms >= dead_ms
        bench.until("grid")


def test_a_trip_is_enough_though_the_supervisor_has_seen_nothing_yet():
    bench = on_grid()
    bench.trip(INTERRUPTION, 3)
    bench.step(5)
    assert bench.state == "to_backup" and bench.driver.mask == 0
    assert (bench.machine.reason, bench.machine.phase) == (INTERRUPTION, 3)


def test_the_reason_of_a_sudden_fault_is_settled_within_30_ms():
    for first, later, after_ms, shown in (
        (DEEP_DIP, INTERRUPTION, 10, INTERRUPTION),
        (INTERRUPTION, DEEP_DIP, 10, DEEP_DIP),
        (DEEP_DIP, INTERRUPTION, 40, DEEP_DIP),
        (DEEP_DIP, UNDERVOLTAGE, 10, DEEP_DIP),
        (UNDERVOLTAGE, INTERRUPTION, 10, UNDERVOLTAGE),
    ):
        bench = on_grid()
        bench.fail_grid(first, 1)
        bench.run(after_ms)
        bench.fail_grid(later, 2)
        bench.run(100)
        assert bench.machine.reason == shown, (first, later, after_ms)
        assert bench.machine.phase == (1 if shown == first else 2)


def test_slow_decay_trips_by_the_supervisor_too():
    bench = on_grid()
    bench.grid.reason = DEEP_DIP  # the interrupt says nothing, the supervisor does
    bench.grid.phase = 3
    bench.step(5)
    assert bench.state == "to_backup" and bench.driver.mask == 0
    assert (bench.machine.reason, bench.machine.phase) == (DEEP_DIP, 3)


def test_the_return_delay_applies_after_an_outage_only():
    bench = Bench()
    bench.inputs.delayed = True
    assert bench.until("grid") < 4000, "nothing was out: no delay at the start"
    bench.fail_grid()
    bench.until("backup")
    bench.run(1000)
    bench.heal_grid()
    bench.grid.good_ms = 300000
    assert bench.run(9000) == "backup"
    assert 0 < bench.machine.wait_ms <= 1000
    bench.until("grid", 3000)


def test_return_while_still_on_the_way_to_backup():
    bench = on_grid()
    bench.buses.backup = set()  # no storage system: waits
    bench.fail_grid()
    assert bench.run(10000) == "to_backup"
    assert bench.driver.mask == 0
    bench.heal_grid()
    assert bench.until("grid") < 3000
    assert _never_joined(bench)


def test_backup_waits_for_steady_voltage():
    bench = on_grid()
    bench.buses.backup_in_band = False
    bench.fail_grid()
    bench.run(2000)
    for _ in range(20):  # comes and goes
        bench.buses.backup_in_band = True
        assert bench.run(90) == "to_backup"
        bench.buses.backup_in_band = False
        bench.run(5)
    bench.buses.backup_in_band = True
    assert bench.until("backup") <= 110


def test_backup_waits_for_the_bus_to_be_dead():
    bench = on_grid()
    bench.held = {1}
    bench.fail_grid()
    assert bench.run(3000) == "to_backup"
    bench.held = set()
    bench.buses.half_dead = {1}
    assert bench.run(1000) == "to_backup", "not live is not yet dead"
    bench.buses.half_dead = set()
    assert bench.until("backup") <= 110


def test_backup_that_sags_stays_and_backup_that_is_gone_is_left():
    bench = on_backup()
    bench.buses.backup_in_band = False
    assert bench.run(900) == "backup"
    bench.buses.backup_in_band = True
    bench.run(100)
    bench.buses.backup_in_band = False
    assert bench.run(990) == "backup"
    bench.run(15)
    assert bench.state == "to_backup" and bench.driver.mask == 0
    bench.buses.backup_in_band = True
    assert bench.until("backup") >= 9900, "the retry time"


def test_single_phase_storage_system():
    bench = on_grid()
    bench.inputs.fed = 2
    bench.buses.backup = {1}
    bench.fail_grid()
    bench.until("backup")
    bench.run(2000)
    assert bench.driver.mask == Q_L2


def test_a_shed_phase_is_opened_and_closed_again():
    bench = on_backup()
    bench.inputs.phases = 5
    bench.run(20)
    assert bench.driver.mask == Q_L1 | Q_L3
    bench.inputs.phases = 7
    bench.run(300)
    assert bench.driver.mask == Q_ALL


def test_grid_fails_again_on_the_way_back():
    bench = on_backup()
    bench.heal_grid()
    bench.until("to_grid")
    bench.fail_grid()
    bench.step(5)
    assert bench.state == "to_backup" and bench.driver.mask == 0
    bench.until("backup")
    assert _never_joined(bench)


def test_trip_while_k_grid_closes():
    bench = on_backup()
    bench.heal_grid()
    bench.until("to_grid")
    while not bench.driver.mask & K_GRID:
        bench.step(5)
    assert bench.front.watch.armed
    bench.trip(DEEP_DIP, 3)
    bench.step(5)
    assert bench.state == "to_backup" and bench.driver.mask == 0
    assert (bench.machine.reason, bench.machine.phase) == (DEEP_DIP, 3)


def test_an_old_trip_does_not_matter_before_k_grid_is_asked_for():
    bench = on_grid()
    bench.fail_grid()
    bench.trip(INTERRUPTION, 1)
    bench.until("backup")
    bench.heal_grid()
    assert bench.front.watch.trip_reason == INTERRUPTION
    bench.until("grid")


def test_grid_that_leaves_the_return_band_on_the_way_back():
    bench = on_backup()
    bench.heal_grid()
    bench.until("to_grid")
    while bench.state == "to_grid":
        bench.grid.good_ms = 0
        bench.step(5)
        assert not bench.driver.mask & K_GRID
    assert bench.state == "to_backup"
    bench.until("grid")


def test_k_grid_that_the_interlock_holds_back_is_waited_for():
    bench = on_backup()
    bench.heal_grid()
    bench.until("to_grid")
    while not bench.machine.request & K_GRID:
        bench.step(5)
    bench.driver.write(0, bench.driver.trips)  # whatever the reason: it is not energised
    bench.before_apply = lambda: setattr(bench.grid, "reason", UNDERVOLTAGE)
    bench.step(5)
    assert bench.driver.mask == 0 and bench.machine.request & K_GRID
    bench.before_apply = None
    bench.grid.reason = 0
    assert bench.until("grid") < 300


# -- switches ------------------------------------------------------------------------------------------


def test_off_and_bypass_open_everything_at_once():
    for ready in (on_grid, on_backup):
        bench = ready()
        bench.inputs.auto = False
        bench.step(5)
        assert bench.state == "off" and bench.driver.mask == 0 and not bench.front.watch.armed
        bench = ready()
        bench.inputs.bypass = True
        bench.step(5)
        assert bench.state == "bypass" and bench.driver.mask == 0
        bench.inputs.auto = False
        bench.step(5)
        assert bench.state == "bypass", "bypass is the stronger of the two"
        bench.inputs.bypass = False
        bench.run(10)
        assert bench.state == "off"
        assert bench.run(5000) == "off" and bench.driver.mask == 0
        bench.inputs.auto = True
        bench.heal_grid()
        bench.until("grid")


def test_off_then_auto_resets_the_faults_and_the_delay():
    bench = on_backup()
    bench.faults.bus_live(0)
    bench.inputs.delayed = True
    bench.inputs.auto = False
    bench.run(100)
    assert bench.faults.mask
    bench.heal_grid()
    bench.inputs.auto = True
    bench.step(5)
    assert bench.faults.mask == 0 and bench.state == "starting"
    assert bench.until("grid") < 4000


def test_bypass_does_not_reset_the_faults():
    bench = on_grid()
    bench.faults.bus_live(0)
    bench.inputs.bypass = True
    bench.run(100)
    bench.inputs.bypass = False
    bench.run(100)
    assert bench.faults.mask
    bench.until("grid", 1000)  # the grid stayed good all the while: nothing to wait for


def test_unreadable_settings_close_nothing_until_the_reset():
    bench = Bench()
    bench.faults.settings("unreadable")
    assert bench.run(5000) == "fault"
    assert bench.driver.history == [] and bench.faults.mask & FAULT_SETTINGS
    bench.faults.reset()
    bench.machine.reset()
    bench.until("grid")


# -- failures ------------------------------------------------------------------------------------------


def test_welded_k_grid_keeps_every_q_open():
    bench = on_grid()
    bench.weld = {0}
    bench.fail_grid()
    opened_ms = bench.until("fault")
    assert 500 <= opened_ms <= 530
    bench.run(120000)
    assert bench.driver.mask == 0 and bench.faults.locked == Q_ALL
    assert bench.faulty("k_grid_not_open") == 4, "once and three retries"
    assert all(mask in (0, K_GRID) for mask in bench.driver.history)
    bench.weld = set()
    bench.faults.reset()
    bench.machine.reset()
    bench.until("backup")
    assert _never_joined(bench)


def test_k_grid_that_opens_at_the_second_try():
    bench = on_grid()
    bench.weld = {0}
    bench.fail_grid()
    bench.until("fault")
    bench.weld = set()
    waited_ms = bench.until("backup")
    assert 10000 <= waited_ms <= 10300
    assert bench.faults.mask == 1, "stays shown"
    assert _never_joined(bench)


def test_k_grid_that_claims_to_close_by_itself_in_backup():
    bench = on_backup()
    bench.aux = {0}
    bench.run(30)
    assert bench.state == "fault" and bench.driver.mask == 0
    assert bench.faulty("k_grid_not_open") == 1


def test_grid_current_in_backup_gives_a_hidden_weld_away():
    bench = on_backup()
    bench.front.meter.readings.i_ma[1] = 2100
    bench.run(250)
    bench.front.meter.readings.i_ma[1] = 2000
    bench.run(50)
    assert bench.state == "backup"
    bench.front.meter.readings.i_ma[1] = 2100
    bench.run(290)
    assert bench.state == "backup"
    bench.run(20)
    assert bench.state == "fault" and bench.driver.mask == 0
    assert bench.faulty("k_grid_not_open") == 1


def test_grid_current_counts_only_after_the_first_second_of_backup():
    bench = on_grid()
    bench.front.meter.readings.i_ma[0] = 20000  # still the reading from before
    bench.fail_grid()
    bench.until("backup")
    bench.run(900)
    bench.front.meter.readings.i_ma[0] = 0
    assert bench.run(2000) == "backup"


def test_stuck_k_grid_is_tried_four_times_and_the_house_stays_on_backup():
    bench = on_backup()
    bench.stuck = {0}
    bench.heal_grid()
    bench.until("fault")
    assert bench.faulty("k_grid_not_closed") == 1
    bench.until("backup", 2000)
    bench.run(100000)
    assert bench.faulty("k_grid_not_closed") == 4 and bench.faults.locked == K_GRID
    assert bench.state == "backup" and bench.driver.mask == Q_ALL
    assert _never_joined(bench)


def test_k_grid_that_falls_off_in_service():
    bench = on_grid()
    bench.stuck = {0}
    bench.closed[0] = False
    bench.buses.grid = set()  # or the missing voltage would tell sooner
    assert bench.run(500) == "grid"
    bench.run(30)
    assert bench.state in ("fault", "to_backup") and bench.faulty("k_grid_not_closed") == 1


def test_k_grid_that_conducts_nothing_in_service():
    bench = on_grid()
    bench.no_contact = {0}
    assert bench.run(190) == "grid"
    bench.run(15)
    assert bench.faulty("k_grid_not_closed") == 1 and bench.driver.mask == 0
    bench.until("backup")


def test_k_grid_that_conducts_nothing_when_it_closes():
    bench = on_backup()
    bench.no_contact = {0}
    bench.heal_grid()
    bench.until("fault")
    assert bench.faulty("k_grid_not_closed") == 1
    bench.until("backup")


def test_a_q_that_claims_to_be_closed_opens_k_grid():
    bench = on_grid()
    bench.aux = {2}
    bench.run(30)
    assert bench.driver.mask == 0 and bench.faulty("q_l2_not_open") == 1
    assert bench.faulty("q_l1_not_open") == bench.faulty("q_l3_not_open") == 0
    bench.until("backup")
    bench.run(2000)
    assert bench.state == "backup", "the grid is good, but K_GRID may not close beside that Q"
    assert bench.driver.mask & K_GRID == 0
    bench.aux = set()
    bench.until("grid", 20000)


def test_a_q_that_claims_to_be_closed_while_k_grid_closes():
    bench = on_backup()
    bench.heal_grid()
    bench.until("to_grid")
    while not bench.driver.mask & K_GRID:
        bench.step(5)
    bench.aux = {3}
    bench.no_contact = {0}  # or the house would be on the grid before the doubt is confirmed
    bench.run(30)
    assert bench.driver.mask == 0 and bench.faulty("q_l3_not_open") == 1
    assert bench.faulty("k_grid_not_closed") == 0


def test_welded_q_keeps_k_grid_open():
    bench = on_backup()
    bench.weld = {3}
    bench.heal_grid()
    bench.until("fault")
    assert bench.faulty("q_l3_not_open") == 1
    bench.run(300000)
    assert not bench.driver.mask & K_GRID
    assert K_GRID not in bench.driver.history[1:]
    assert _never_joined(bench)


def test_bus_that_stays_live_after_k_grid_opened():
    """Confirmed open, and yet live: by what is live on which side the liar is named."""
    bench = on_grid()
    bench.held = {0, 2}
    bench.fail_grid()
    bench.buses.backup = set()
    assert bench.run(5000) == "to_backup"
    bench.run(150)
    assert bench.faulty("bus_live") == 1 and bench.driver.mask == 0
    bench.run(100000)
    assert bench.faults.locked == 15, "neither side may close any more"
    assert bench.driver.mask == 0


def test_hidden_weld_of_k_grid():
    bench = on_grid()
    bench.hidden = {0}
    bench.grid.reason = UNDERVOLTAGE  # bad, but live
    bench.grid.good_ms = 0
    bench.run(5300)
    assert bench.faulty("k_grid_not_open") == 1 and bench.faulty("bus_live") == 0
    bench.run(100000)
    assert bench.faults.locked == Q_ALL and bench.driver.mask == 0


def test_hidden_weld_of_a_q():
    bench = on_backup()
    bench.hidden = {2}
    bench.heal_grid()
    bench.buses.grid = {0, 2}  # so that L2 can only come from the backup output
    bench.until("to_grid")
    bench.run(5500)
    assert bench.faulty("q_l2_not_open") == 1
    assert bench.faulty("q_l1_not_open") == bench.faulty("q_l3_not_open") == 0
    assert _never_joined(bench)


def test_a_hidden_weld_that_is_known_does_not_keep_the_other_phases_dark():
    bench = on_backup()
    bench.hidden = {2}
    bench.buses.backup_in_band = False
    bench.until("to_backup")
    bench.buses.backup_in_band = True
    bench.until("fault", 20000)
    assert bench.faulty("q_l2_not_open") == 1
    bench.until("backup", 20000)
    bench.run(1000)
    assert bench.driver.mask & (Q_L1 | Q_L3) == Q_L1 | Q_L3


def test_a_bus_fault_waits_for_the_retry_time():
    bench = on_grid()
    bench.held = {0}
    bench.fail_grid()
    bench.buses.backup = set()
    bench.until("fault")
    bench.held = set()
    bench.buses.backup = {0, 1, 2}
    bench.heal_grid()
    bench.grid.good_ms = 10000
    assert bench.run(9900) == "fault" and bench.driver.mask == 0
    bench.until("grid", 1000)


def test_a_reset_ends_the_waiting_for_either_side():
    for heal in (True, False):
        bench = on_grid()
        bench.held = {0}
        bench.fail_grid()
        bench.buses.backup = set()
        bench.until("fault")
        bench.held = set()
        bench.buses.backup = {0, 1, 2}
        if heal:
            bench.heal_grid()
            bench.grid.good_ms = 10000
        bench.faults.reset()
        bench.machine.reset()
        bench.until("grid" if heal else "backup", 500)


def test_the_time_a_bus_was_live_on_the_way_there_does_not_count_on_the_way_back():
    bench = on_grid()
    bench.held = {0}
    bench.fail_grid()
    bench.run(4900)
    bench.heal_grid()
    bench.grid.good_ms = 10000
    bench.until("to_grid", 100)
    assert bench.run(1000) == "to_grid" and bench.faults.mask == 0
    bench.held = set()
    bench.until("grid", 500)


def test_a_failure_on_the_grid_side_counts_as_an_outage_for_the_return_delay():
    for failure in ("aux", "no_contact"):
        bench = on_grid()
        bench.inputs.delayed = True
        setattr(bench, failure, {0} if failure == "no_contact" else {1})
        bench.until("fault", 1000)
        setattr(bench, failure, set())
        bench.grid.good_ms = 100000
        assert bench.run(30000) == "backup", failure
        bench.grid.good_ms = 310000
        bench.until("grid", 1000)


def test_waiting_for_the_backup_side_ends_when_the_house_is_on_the_grid_again():
    bench = on_backup()
    bench.front.meter.readings.i_ma[0] = 5000
    bench.until("fault", 3000)
    bench.front.meter.readings.i_ma[0] = 0
    bench.heal_grid()
    bench.grid.good_ms = 10000
    bench.until("grid", 1000)
    bench.fail_grid()
    bench.until("backup", 500)


def test_a_q_known_to_be_stuck_does_not_keep_the_other_phases_dark():
    bench = on_backup()
    bench.weld = {1}
    bench.buses.backup_in_band = False
    bench.until("to_backup")
    bench.buses.backup_in_band = True
    bench.until("backup")
    bench.run(1000)
    assert bench.driver.mask & (Q_L2 | Q_L3) == Q_L2 | Q_L3


def test_events_tell_state_reason_and_phase():
    bench = on_grid()
    bench.fail_grid(UNDERVOLTAGE, 2)
    bench.until("backup")
    states = [entry[2] for entry in bench.log.entries if entry[1] == "state"]
    assert [s["state"] for s in states] == ["to_grid", "grid", "to_backup", "backup"]
    assert states[-1]["reason"] == "undervoltage" and states[-1]["phase"] == 2


# -- tests of the transfer ------------------------------------------------------------------------------


def _on_test(seconds=30):
    bench = on_grid()
    assert bench.machine.test(seconds)
    return bench


def test_a_test_feeds_the_house_from_the_backup_output_and_ends_by_itself():
    bench = _on_test()
    begin_ms = bench.t_ms
    bench.until("backup", 3000)
    assert (bench.machine.reason, bench.machine.phase) == (TEST, 0)
    bench.run(1000)
    assert bench.driver.mask == Q_ALL and bench.buses.load == {0, 1, 2}
    bench.until("to_grid")
    assert 30000 <= bench.t_ms - begin_ms <= 30000 + 2 * STEP_MS
    bench.until("grid", 1000)
    assert bench.driver.mask == K_GRID and not bench.faults.mask and bench.machine.test_ms == 0
    bench.run(5000)
    assert bench.state == "grid", "once"


def test_the_return_delay_does_not_keep_a_test_waiting_on_a_grid_that_was_good_for_long():
    bench = on_grid()
    bench.inputs.delayed = True
    bench.grid.good_ms = 400000
    assert bench.machine.test(10)
    bench.until("backup", 3000)
    bench.until("grid", 10500)


def test_a_test_is_refused_when_there_is_something_else_to_do():
    bench = on_grid()
    bench.faults.bus_live(0)
    assert not bench.machine.test(30)
    bench = on_grid()
    bench.fail_grid()
    assert not bench.machine.test(30)
    bench.run(1000)
    assert bench.state == "backup" and not bench.machine.test(30)


def test_asking_whether_a_test_can_be_begins_none():
    bench = on_grid()
    assert bench.machine.test(0) and bench.machine.test_ms == 0
    bench.run(100)
    assert bench.state == "grid"
    assert bench.machine.test(10) and bench.machine.test(0) and bench.machine.test_ms == 10000


def test_an_outage_makes_a_test_an_outage():
    bench = _on_test()
    bench.until("backup", 3000)
    bench.fail_grid()
    bench.run(60000)
    assert bench.state == "backup" and bench.machine.test_ms == 0
    bench.heal_grid()
    bench.until("grid", 4000)


def test_a_test_ends_when_the_backup_output_goes():
    bench = _on_test(600)
    bench.until("backup", 3000)
    bench.run(2000)
    begin_ms = bench.t_ms
    bench.buses.backup = set()
    bench.until("grid", 5000)
    assert bench.t_ms - begin_ms <= 1500 and not bench.faults.mask


def test_a_test_is_given_up_when_the_backup_output_does_not_feed_the_house():
    bench = _on_test(600)
    bench.run(STEP_MS)
    assert bench.state == "to_backup"
    bench.buses.backup = set()
    begin_ms = bench.t_ms
    bench.until("grid", 8000)
    assert 5000 <= bench.t_ms - begin_ms <= 5500


def test_a_fault_and_the_switch_end_a_test():
    bench = _on_test(600)
    bench.weld = {0}
    bench.until("fault", 3000)
    bench.run(STEP_MS)
    assert bench.machine.test_ms == 0
    bench = _on_test(600)
    bench.until("backup", 3000)
    bench.inputs.auto = False
    bench.run(2 * STEP_MS)
    assert bench.state == "off" and bench.machine.test_ms == 0

"""The three contactors of the backup side: staggered, each watched for itself, the others go on."""

from firmware.signals import Q_ALL, Q_L1, Q_L2, Q_L3
from host_tests.unit.switch_bench import on_backup, on_grid


def _to_backup(bench):
    bench.fail_grid()
    bench.until("backup")
    return bench


def test_stagger_time_is_a_setting():
    for stagger_ms in (50, 2000):
        bench = on_grid(stagger_ms=stagger_ms)
        _to_backup(bench)
        times = []
        for mask in (Q_L1, Q_L1 | Q_L2, Q_ALL):
            while bench.driver.mask != mask:
                bench.step(5)
                assert bench.driver.mask in (mask, mask & mask >> 1 & Q_ALL, Q_L1, Q_L1 | Q_L2)
            times.append(bench.t_ms)
        for before, after in zip(times, times[1:]):
            assert stagger_ms - 5 <= after - before <= stagger_ms + 10, stagger_ms


def test_a_phase_that_stays_live_is_not_closed_onto():
    """Another source holds L2: the other phases go on, and after five seconds the Q is called a liar."""
    bench = _to_backup(on_grid())
    bench.held = {1}
    bench.run(3000)
    assert bench.driver.mask == Q_L1 | Q_L3
    assert bench.faulty("q_l2_not_open") == 0
    bench.run(3000)
    assert bench.faulty("q_l2_not_open") == 1 and bench.state == "backup"
    bench.held = set()
    bench.run(9000)
    assert bench.driver.mask == Q_L1 | Q_L3, "not before the retry time"
    bench.run(2000)
    assert bench.driver.mask == Q_ALL


def test_a_moment_without_voltage_starts_the_five_seconds_anew():
    bench = _to_backup(on_grid())
    bench.held = {1}
    bench.run(4900)
    bench.held = set()
    bench.inputs.phases = 5  # nothing closes meanwhile
    bench.run(100)
    bench.inputs.phases = 7
    bench.run(500)
    assert bench.driver.mask == Q_ALL and bench.faults.mask == 0


def test_a_stuck_q_is_dropped_alone_retried_and_locked():
    bench = on_grid()
    bench.stuck = {2}
    _to_backup(bench)
    bench.run(2000)
    assert bench.driver.mask == Q_L1 | Q_L3 and bench.faulty("q_l2_not_closed") == 1
    bench.run(9000)
    bench.run(60000)
    assert bench.faulty("q_l2_not_closed") == 4 and bench.faults.locked == Q_L2
    tries = sum([1 for a, b in zip(bench.driver.history, bench.driver.history[1:]) if b & ~a & Q_L2])
    assert tries == 4
    assert bench.driver.mask == Q_L1 | Q_L3 and bench.state == "backup"
    bench.stuck = set()
    bench.run(20000)
    assert bench.driver.mask == Q_L1 | Q_L3, "locked until the reset"
    bench.faults.reset()
    bench.machine.reset()
    bench.run(100)
    assert bench.driver.mask == Q_ALL


def test_a_q_that_closes_at_the_second_try():
    bench = on_grid()
    bench.stuck = {3}
    _to_backup(bench)
    bench.run(2000)
    bench.stuck = set()
    bench.run(10000)
    assert bench.driver.mask == Q_ALL and bench.faulty("q_l3_not_closed") == 1
    assert bench.faults.locked == 0


def test_a_q_that_says_closed_but_brings_no_voltage():
    bench = on_grid()
    bench.no_contact = {1}
    _to_backup(bench)
    bench.run(250)
    assert bench.faulty("q_l1_not_closed") == 1 and not bench.driver.mask & Q_L1
    bench.run(1000)
    assert bench.driver.mask == Q_L2 | Q_L3


def test_missing_voltage_counts_for_200_ms_without_a_break():
    bench = on_backup()
    for _ in range(10):
        bench.no_contact = {1}
        bench.run(190)
        bench.no_contact = set()
        bench.run(10)
    assert bench.driver.mask == Q_ALL and bench.faults.mask == 0


def test_missing_voltage_is_not_the_contactors_fault_when_the_backup_output_is_dark():
    bench = on_backup()
    bench.buses.backup = {1, 2}
    bench.run(500)
    assert bench.faults.mask == 0 and bench.driver.mask == Q_ALL


def test_a_q_that_falls_off_is_noticed_by_its_feedback():
    bench = on_backup()
    bench.stuck = {1}
    bench.closed[1] = False
    bench.buses.backup = {1, 2}  # or the missing voltage would tell sooner
    bench.run(500)
    assert bench.faulty("q_l1_not_closed") == 0
    bench.run(30)
    assert bench.faulty("q_l1_not_closed") == 1 and bench.driver.mask == Q_L2 | Q_L3


def test_a_q_that_does_not_open_is_reported_once_until_it_does():
    bench = on_backup()
    bench.weld = {2}
    bench.inputs.phases = 5
    bench.run(500)
    assert bench.faulty("q_l2_not_open") == 0
    bench.run(5000)
    assert bench.faulty("q_l2_not_open") == 1 and bench.state == "backup"
    assert bench.driver.mask == Q_L1 | Q_L3
    bench.weld = set()
    bench.run(100)
    bench.inputs.phases = 7
    bench.run(500)
    assert bench.driver.mask == Q_ALL
    bench.weld = {2}
    bench.inputs.phases = 5
    bench.run(1000)
    assert bench.faulty("q_l2_not_open") == 2


def test_a_phase_fed_by_its_own_stuck_q_is_reported_as_stuck_only():
    bench = on_backup()
    bench.weld = {2}
    bench.inputs.phases = 5
    bench.run(1000)
    bench.inputs.phases = 7
    bench.run(20000)
    assert bench.faulty("q_l2_not_open") == 1 and bench.driver.mask == Q_L1 | Q_L3


def test_reset_ends_the_waiting_for_a_retry():
    bench = on_grid()
    bench.stuck = {1}
    _to_backup(bench)
    bench.run(1500)
    assert bench.driver.mask == Q_L2 | Q_L3
    bench.stuck = set()
    bench.faults.reset()
    bench.machine.reset()
    bench.run(20)
    assert bench.driver.mask == Q_ALL


def test_reset_reports_a_q_that_is_still_stuck_again():
    bench = on_backup()
    bench.weld = {2}
    bench.inputs.phases = 5
    bench.run(1000)
    bench.faults.reset()
    bench.machine.reset()
    bench.run(20)
    assert bench.faulty("q_l2_not_open") == 2


def test_phases_that_are_not_allowed_are_opened_at_once():
    bench = on_backup()
    for phases in (6, 2, 0):
        bench.inputs.phases = phases
        bench.step(5)
        assert bench.driver.mask == phases << 1
    bench.inputs.phases = 7
    bench.run(1000)
    assert bench.driver.mask == Q_ALL
    bench.inputs.fed = 4
    bench.step(5)
    assert bench.driver.mask == Q_L3


def test_a_q_the_gate_has_not_let_through_is_not_called_stuck():
    bench = on_grid()
    bench.fail_grid()
    bench.until("backup")
    bench.before_apply = lambda: setattr(bench.inputs, "fed", 0)  # refused behind the machine's back

    def step():
        bench.inputs.fed = 7
        bench.step(5)

    for _ in range(400):
        step()
    assert bench.faults.mask == 0

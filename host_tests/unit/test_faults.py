"""Latched faults: how often a failed switching is tried again, which coils pay for it, and the reset."""

from firmware.publish.events import EventLog
from firmware.signals import (
    FAULT_BUS_LIVE,
    FAULT_NAMES,
    FAULT_SETTINGS,
    K_GRID,
    Q_ALL,
    Q_L1,
    Q_L2,
    Q_L3,
    names,
)
from firmware.supervise.faults import RETRIES, WINDOW_S, Faults

QS = (Q_L1, Q_L2, Q_L3)


def _faults():
    return Faults(EventLog(200))


def _names(faults):
    return names(faults.mask, FAULT_NAMES)


def test_a_failure_is_latched_under_its_name_and_told_once():
    for coil, name in enumerate(("k_grid", "q_l1", "q_l2", "q_l3")):
        for kind in ("not_open", "not_closed"):
            log = EventLog()
            faults = Faults(log)
            getattr(faults, kind)(coil, 7)
            assert _names(faults) == [name + "_" + kind]
            assert faults.locked == 0
            assert len(log.entries) == 1
            _, event, fields = log.entries[0]
            assert event == "fault" and fields["name"] == name + "_" + kind and fields["on"]
            assert fields["coil"] == name.upper()


def test_three_retries_are_allowed_and_the_fourth_failure_locks():
    assert RETRIES == 3 and WINDOW_S == 600
    faults = _faults()
    for n in range(1 + RETRIES):
        assert faults.locked == 0, n
        faults.not_closed(0, 100 * n)
    assert faults.locked == K_GRID


def test_failures_older_than_ten_minutes_do_not_count():
    for last_s, locked in ((599, K_GRID), (600, 0), (601, 0)):
        faults = _faults()
        faults.not_closed(0, 0)
        faults.not_closed(0, 300)
        faults.not_closed(0, 301)
        faults.not_closed(0, last_s)
        assert faults.locked == locked, last_s


def test_the_window_slides():
    faults = _faults()
    for n in range(50):
        faults.not_closed(1, 200 * n)  # three within any ten minutes
    assert faults.locked == 0
    faults.not_closed(1, 200 * 49 + 1)
    assert faults.locked == Q_L1


def test_a_coil_that_does_not_close_pays_itself():
    for coil, bit in enumerate((K_GRID,) + QS):
        faults = _faults()
        for _ in range(4):
            faults.not_closed(coil, 0)
        assert faults.locked == bit


def test_a_coil_that_does_not_open_locks_the_other_side():
    faults = _faults()
    for _ in range(4):
        faults.not_open(0, 0)
    assert faults.locked == Q_ALL, "a welded K_GRID: no Q may close any more"
    for coil in (1, 2, 3):
        faults = _faults()
        for _ in range(4):
            faults.not_open(coil, 0)
        assert faults.locked == K_GRID, "a welded Q: K_GRID may not close any more"


def test_different_failures_are_counted_apart():
    faults = _faults()
    for _ in range(3):
        for coil in range(4):
            faults.not_open(coil, 0)
            faults.not_closed(coil, 0)
    assert faults.locked == 0
    faults.not_closed(2, 0)
    assert faults.locked == Q_L2


def test_a_live_bus_locks_both_sides():
    faults = _faults()
    for _ in range(3):
        faults.bus_live(0)
        assert faults.mask == FAULT_BUS_LIVE
    faults.bus_live(599)
    assert faults.locked == K_GRID | Q_ALL


def test_a_lock_is_latched_and_told_once():
    log = EventLog(200)
    faults = Faults(log)
    for _ in range(10):
        faults.not_closed(3, 0)
    told = [entry[2]["name"] for entry in log.entries]
    assert told.count("q_l3_locked") == 1
    assert told.count("q_l3_not_closed") == 10


def test_settings_fault_keeps_its_reason():
    log = EventLog()
    faults = Faults(log)
    faults.settings("stored settings: x")
    assert faults.mask == FAULT_SETTINGS and faults.locked == 0
    assert log.entries[0][2] == {"name": "settings", "on": True, "reason": "stored settings: x"}


def test_a_fault_stays_until_the_reset():
    faults = _faults()
    faults.not_closed(0, 0)
    faults.not_open(2, 1000000)
    assert _names(faults) == ["q_l2_not_open", "k_grid_not_closed"]


def test_a_reset_forgets_faults_locks_and_failures():
    log = EventLog(200)
    faults = Faults(log)
    for _ in range(4):
        faults.bus_live(0)
    told = len(log.entries)
    faults.reset()
    assert faults.mask == 0 == faults.locked
    assert log.entries[-1][2] == {"name": "reset", "on": False} and len(log.entries) == told + 1
    for _ in range(3):
        faults.bus_live(0)
    assert faults.locked == 0, "the count starts anew"
    faults = Faults(log)
    told = len(log.entries)
    faults.reset()
    assert len(log.entries) == told, "nothing to reset, nothing to tell"

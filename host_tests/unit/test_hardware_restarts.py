"""What the chip remembers of its restarts, on modelled watchdog registers."""

import sys

sys.path.insert(0, "host_tests/shims")

import machine

from firmware.hardware.restarts import Restarts

_FORCE = 2


def test_after_power_up_there_were_none_whatever_the_registers_hold():
    for noise in (0, 0xFFFFFFFF, 0x5A5A5A5A, 3):
        machine.power_on()
        machine.chip().resets.scratch = [noise] * 8
        restarts = Restarts()
        assert (restarts.count, restarts.now) == (0, False), noise


def test_a_box_that_was_bitten_is_counted():
    machine.power_on()
    for count in range(4):
        restarts = Restarts()
        assert (restarts.count, restarts.now) == (count, count > 0)
        restarts.running()
        machine.restart_by_watchdog()


def test_a_reset_that_was_asked_for_begins_the_count_anew():
    machine.power_on()
    Restarts().running()
    machine.restart_by_watchdog()
    Restarts().running()
    machine.restart_by_watchdog()
    machine.chip().resets.reason = _FORCE
    restarts = Restarts()
    assert (restarts.count, restarts.now) == (0, False)


def test_a_bite_while_no_box_was_running_is_not_counted():
    machine.power_on()
    Restarts()
    machine.restart_by_watchdog()
    assert Restarts().count == 0


def test_a_soft_reset_does_not_count_the_same_bite_again():
    machine.power_on()
    Restarts().running()
    machine.restart_by_watchdog()
    assert Restarts().count == 1
    assert (Restarts().count, Restarts().now) == (1, False)


def test_cleared_counts_begin_anew():
    machine.power_on()
    for _ in range(3):
        Restarts().running()
        machine.restart_by_watchdog()
    restarts = Restarts()
    restarts.running()
    restarts.clear()
    assert restarts.count == 0
    machine.restart_by_watchdog()
    assert Restarts().count == 1


def test_the_count_ends_somewhere():
    machine.power_on()
    for _ in range(300):
        Restarts().running()
        machine.restart_by_watchdog()
    assert Restarts().count == 255


def test_stopping_the_watchdog_stops_it_and_nothing_is_counted():
    machine.power_on()
    restarts = Restarts()
    restarts.running()
    machine.WDT(timeout=1000)
    restarts.stop_watchdog()
    assert not machine.watchdog_running()
    machine.restart_by_watchdog()
    assert Restarts().count == 0

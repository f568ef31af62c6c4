"""The coil outputs: one store each way, opening first, and a fast trip at any moment wins."""

import sys

sys.path.insert(0, "host_tests/shims")

import machine

from firmware.hardware.coils_rp2 import CoilError, Coils
from firmware.signals import ALL_COILS, K_GRID, Q_ALL, Q_L1, Q_L3

GPIOS = (18, 19, 21, 22)


def _coils(gpios=GPIOS):
    machine.power_on()
    return Coils(gpios)


def _energised():
    """Return the mask that a meter on the four pins shows."""
    return sum([machine.pin_level(gpio) << place for place, gpio in enumerate(GPIOS)])


def _refused(kind, call, *args):
    try:
        call(*args)
    except kind as error:
        return str(error)
    raise AssertionError("not refused")


def test_a_new_driver_has_every_coil_off():
    coils = _coils()
    assert coils.mask == 0 and coils.trips == 0 and _energised() == 0
    for gpio in GPIOS:
        assert machine.pin_edges(gpio) == [(0, 0)]


def test_write_energises_exactly_the_mask():
    coils = _coils()
    for mask in (K_GRID, 0, Q_L1, Q_ALL, Q_L1 | Q_L3, K_GRID, Q_L3):
        coils.write(mask, coils.trips)
        assert _energised() == mask == coils.mask, mask


def test_opening_is_one_store_before_the_one_that_closes():
    coils = _coils()
    coils.write(K_GRID, 0)
    machine.register_writes()
    coils.write(Q_ALL, 0)
    qs = 1 << 19 | 1 << 21 | 1 << 22
    assert machine.register_writes() == [("clear", 1 << 18), ("set", qs)]


def test_both_sources_together_are_refused():
    coils = _coils()
    coils.write(Q_L1, 0)
    for mask in range(ALL_COILS + 1):
        if mask & K_GRID and mask & Q_ALL:
            assert "together" in _refused(ValueError, coils.write, mask, 0)
    assert _energised() == Q_L1, "a refusal changes nothing"


def test_coils_that_do_not_exist_are_refused():
    coils = _coils()
    for mask in (-1, 16, 31):
        _refused(ValueError, coils.write, mask, 0)
    single = _coils((18, 19))
    single.write(Q_L1, 0)
    _refused(ValueError, single.write, Q_L3, 0)
    assert machine.interrupts_enabled()


def test_open_grid_is_one_store_and_counts():
    coils = _coils()
    coils.write(K_GRID, 0)
    machine.register_writes()
    coils.open_grid()
    assert machine.register_writes() == [("clear", 1 << 18)]
    assert coils.mask == 0 and coils.trips == 1 and _energised() == 0


def test_open_grid_leaves_the_backup_side_alone():
    coils = _coils()
    coils.write(Q_ALL, 0)
    coils.open_grid()
    assert coils.mask == Q_ALL == _energised()


def test_the_trip_count_stays_a_small_int():
    coils = _coils()
    coils.trips = 0x3FFFFFFF
    coils.open_grid()
    assert coils.trips == 0


def test_a_decision_older_than_a_trip_loses_k_grid():
    coils = _coils()
    seen = coils.trips
    coils.open_grid()
    coils.write(K_GRID, seen)
    assert coils.mask == 0 == _energised()
    coils.write(Q_L1, seen)
    assert coils.mask == Q_L1 == _energised()
    coils.write(0, seen)
    coils.write(K_GRID, coils.trips)
    assert coils.mask == K_GRID == _energised()


def test_a_trip_at_any_moment_of_a_write_wins():
    moments = 0
    for turn in range(20):
        coils = _coils()
        machine.interrupt_after(turn, coils.open_grid)
        coils.write(K_GRID, 0)
        if machine.interrupt_pending():
            break  # later than the last moment at which an interrupt could come
        moments += 1
        assert _energised() == 0 == coils.mask, turn
        assert coils.trips == 1
        assert machine.interrupts_enabled()
    assert moments >= 2, "before and after the protected part at least"


def test_an_output_that_does_not_follow_turns_everything_off():
    coils = _coils()
    machine.short_output_register(21)
    coils.write(Q_L1, 0)
    assert "do not follow" in _refused(CoilError, coils.write, Q_ALL, 0)
    assert _energised() == 0 == coils.mask
    assert machine.interrupts_enabled()


def test_the_trip_and_the_write_allocate_nothing():
    try:
        from micropython import heap_lock, heap_unlock
    except ImportError:
        return  # CPython cannot lock its heap
    coils = _coils()
    coils.write(K_GRID, 0)
    machine.stop_logging()
    heap_lock()
    try:
        coils.open_grid()
        coils.write(Q_ALL, 1)
    finally:
        heap_unlock()
    assert coils.trips == 1 and coils.mask == Q_ALL

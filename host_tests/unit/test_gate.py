"""The gate: only what the interlock lets through is written, and a fast trip cannot be undone."""

from firmware.signals import ALL_COILS, K_GRID, Q_ALL, Q_L1, Q_L2, Q_L3
from firmware.transfer.gate import Gate
from host_tests.unit.coil_driver import CoilDriver

DEAD_MS = 50


def _gate(open_ms=1000):
    """Return a gate and its driver with every contactor confirmed open for about `open_ms`."""
    driver = CoilDriver()
    gate = Gate(driver)
    gate.read(0, 1)
    gate.read(0, 15)
    if open_ms:
        gate.read(0, open_ms)
    return gate, driver


def test_nothing_is_granted_before_the_feedback_was_read():
    driver = CoilDriver()
    gate = Gate(driver)
    assert gate.not_open == ALL_COILS
    assert gate.apply(K_GRID, ALL_COILS, 0) == 0
    assert gate.apply(Q_ALL, ALL_COILS, 0) == 0
    assert driver.writes == 0


def test_feedback_that_cannot_be_read_counts_as_closed():
    gate, driver = _gate()
    gate.read(None, 10)
    gate.read(None, 20)
    assert gate.not_open == ALL_COILS
    assert gate.apply(K_GRID, ALL_COILS, DEAD_MS) == 0
    assert driver.mask == 0


def test_each_feedback_bit_belongs_to_its_contactor():
    for number in range(4):
        gate, _ = _gate()
        for _ in range(3):
            gate.read(1 << number | 0xF30, 10)  # switches and DIPs beside it change nothing
        assert gate.not_open == 1 << number
        assert [c.not_open for c in gate.contactors] == [n == number for n in range(4)]


def test_the_coil_bits_reach_their_contactors():
    gate, driver = _gate()
    assert gate.apply(Q_L1 | Q_L3, ALL_COILS, DEAD_MS) == Q_L1 | Q_L3
    gate.read(0, 1)
    assert [c.commanded for c in gate.contactors] == [False, True, False, True]
    assert driver.mask == Q_L1 | Q_L3


def test_permits_are_handed_on():
    gate, driver = _gate()
    assert gate.apply(Q_ALL, Q_L2, DEAD_MS) == Q_L2 == driver.mask
    assert gate.apply(Q_ALL, K_GRID, DEAD_MS) == 0 == driver.mask


def test_the_dead_time_counts_for_the_contactor_that_was_open_last():
    for number in (1, 2, 3):
        gate, driver = _gate()
        for _ in range(3):
            gate.read(1 << number, 10)
        gate.read(0, 1)
        gate.read(0, 15)  # confirmed open with this
        gate.read(0, DEAD_MS - 15 - 1)
        assert gate.contactors[number].open_ms == DEAD_MS - 1
        assert gate.apply(K_GRID, ALL_COILS, DEAD_MS) == 0, number
        gate.read(0, 1)
        assert gate.apply(K_GRID, ALL_COILS, DEAD_MS) == K_GRID, number
        assert driver.mask == K_GRID


def test_q_waits_for_the_dead_time_of_k_grid():
    gate, driver = _gate()
    gate.apply(K_GRID, ALL_COILS, DEAD_MS)
    for _ in range(3):
        gate.read(1, 10)
    assert gate.apply(0, ALL_COILS, DEAD_MS) == 0
    gate.read(1, 1)
    waited_ms = 0
    gate.read(0, 1)
    gate.read(0, 15)
    waited_ms = gate.contactors[0].open_ms
    while not gate.apply(Q_L1, ALL_COILS, DEAD_MS):
        gate.read(0, 1)
        waited_ms += 1
    assert waited_ms == DEAD_MS
    assert driver.history == [K_GRID, 0, Q_L1]


def test_a_change_of_side_goes_through_all_off():
    gate, driver = _gate()
    gate.apply(Q_ALL, ALL_COILS, DEAD_MS)
    assert gate.apply(K_GRID, ALL_COILS, DEAD_MS) == 0
    assert driver.history == [Q_ALL, 0]


def test_the_driver_is_written_only_when_something_changes():
    gate, driver = _gate()
    for _ in range(5):
        gate.apply(Q_L1, ALL_COILS, DEAD_MS)
        gate.read(2, 10)
    assert driver.writes == 1


def test_a_trip_between_read_and_apply_cannot_be_undone():
    gate, driver = _gate()
    gate.apply(K_GRID, ALL_COILS, DEAD_MS)
    for _ in range(3):
        gate.read(1, 10)
    gate.read(1, 1)
    driver.open_grid()
    gate.apply(K_GRID, ALL_COILS, DEAD_MS)  # decided on what was read before the trip
    assert driver.mask == 0
    gate.read(1, 1)  # seen now: a new decision may close it again
    assert gate.trips == driver.trips == 1
    assert gate.apply(K_GRID, ALL_COILS, DEAD_MS) == K_GRID == driver.mask


def test_a_trip_before_the_very_first_read_is_known():
    driver = CoilDriver()
    driver.open_grid()
    gate = Gate(driver)
    assert gate.trips == 1


def test_gate_k_grid_energised_between_two_reads_restarts_the_dead_time():
    gate, driver = _gate()
    assert gate.apply(K_GRID, ALL_COILS, DEAD_MS) == K_GRID
    driver.open_grid()  # tripped before the next read saw it energised
    gate.read(0, 1)
    assert gate.apply(Q_ALL, ALL_COILS, DEAD_MS) == 0, driver.history
    gate.read(0, DEAD_MS)
    assert gate.apply(Q_ALL, ALL_COILS, DEAD_MS) == Q_ALL

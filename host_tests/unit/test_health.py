"""The watchdog's food: every counter has to move within a second."""

from firmware.supervise.health import Health


def test_alive_while_everything_moves():
    health = Health(2)
    for n in range(100):
        assert health.step((n + 1, 1000 - n), 100)


def test_each_counter_alone_can_end_it():
    for stuck in range(3):
        health = Health(3)
        counts = [1, 1, 1]
        health.step(tuple(counts), 100)
        for turn in range(1, 21):
            for n in range(3):
                if n != stuck:
                    counts[n] += 1
            assert health.step(tuple(counts), 100) == (turn <= 10), (stuck, turn)


def test_a_counter_that_never_moved_from_the_start_ends_it():
    health = Health(1)
    assert health.step((0,), 1000)
    assert not health.step((0,), 1)


def test_it_recovers_when_the_counter_moves_again():
    health = Health(1)
    assert not health.step((0,), 5000)
    assert health.step((1,), 100)
    assert health.step((1,), 1000)
    assert not health.step((1,), 1)
    assert health.step((0,), 100), "a wrapped counter has moved too"


def test_more_counts_than_asked_for_are_left_alone():
    health = Health(1)
    for n in range(30):
        assert health.step((n, 7), 100)


def test_time_saturates():
    health = Health(1)
    for _ in range(5):
        assert not health.step((0,), 0x1FFFFFFF)

"""Arithmetic on the wrapping microsecond counter."""

from firmware.ticks import LONG_MS, PERIOD, add, advance, diff


def test_spans_are_right_across_the_wrap():
    for earlier in (0, 1, 12345, PERIOD // 2 - 1, PERIOD // 2, PERIOD - 1):
        for span in (0, 1, 2500, 1000000, PERIOD // 2 - 1):
            later = add(earlier, span)
            assert 0 <= later < PERIOD
            assert diff(later, earlier) == span, (earlier, span)
            assert diff(earlier, later) == -span, (earlier, span)


def test_half_the_period_is_negative():
    assert diff(PERIOD // 2, 0) == -PERIOD // 2


def test_add_goes_back_too():
    assert add(5, -10) == PERIOD - 5
    assert add(PERIOD - 1, 1) == 0


def test_elapsed_time_saturates():
    assert advance(0, 0) == 0
    assert advance(10, 5) == 15
    assert advance(LONG_MS - 5, 5) == LONG_MS
    assert advance(LONG_MS - 5, 6) == LONG_MS
    assert advance(LONG_MS, LONG_MS) == LONG_MS
    assert LONG_MS + LONG_MS < 1 << 30, "the sum before the cut is still a small integer"

"""Which load-management settings are accepted."""

from firmware.shed.rules import check_load_management
from firmware.store.settings import check, defaults


def _values(priorities=(1, 2, 3), minima=(10, 40, 50), enable=1):
    values = defaults()
    values["load_management_enable"] = enable
    for n in range(3):
        values["priority_l%d" % (n + 1)] = priorities[n]
        values["soc_min_l%d" % (n + 1)] = minima[n]
    return values


def test_disabled_anything_goes():
    for priorities in ((0, 0, 0), (1, 1, 1), (3, 2, 1)):
        assert check_load_management(_values(priorities, (0, 0, 0), 0)) == ""


def test_each_order_of_the_priorities_with_rising_limits():
    for priorities in ((1, 2, 3), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1)):
        minima = [{1: 10, 2: 11, 3: 12}[priority] for priority in priorities]
        values = _values(priorities, minima)
        assert check_load_management(values) == "" == check(values, (check_load_management,))


def test_all_values_are_needed():
    for n in range(3):
        priorities, minima = [1, 2, 3], [10, 40, 50]
        priorities[n] = 0
        assert "priority_l%d" % (n + 1) in check_load_management(_values(priorities))
        minima[n] = 0
        assert "soc_min_l%d" % (n + 1) in check_load_management(_values(minima=minima))


def test_equal_priorities_are_refused():
    for priorities in ((1, 1, 2), (2, 1, 2), (1, 3, 3), (2, 2, 2)):
        assert "twice" in check_load_management(_values(priorities))


def test_limits_rise_strictly_as_the_priority_falls():
    for priorities, minima, good in (
        ((1, 2, 3), (20, 30, 40), True),
        ((1, 2, 3), (30, 30, 40), False),
        ((1, 2, 3), (20, 40, 40), False),
        ((1, 2, 3), (40, 30, 50), False),
        ((1, 2, 3), (20, 50, 40), False),
        ((3, 2, 1), (40, 30, 20), True),
        ((3, 2, 1), (20, 30, 40), False),
        ((2, 3, 1), (50, 60, 10), True),
        ((1, 2, 3), (98, 99, 100), True),
    ):
        reason = check_load_management(_values(priorities, minima))
        assert (reason == "") == good, (priorities, minima, reason)
        assert good or "must be below" in reason

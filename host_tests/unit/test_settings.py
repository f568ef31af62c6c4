"""Settings: every bound, every cross check, and a commit that takes all or nothing."""

from firmware.store.settings import BAUD_RATES, SPEC, Staging, check, check_row, defaults

RISING = (
    ("undervoltage_dv", "return_low_dv", "return_high_dv", "overvoltage_dv"),
    ("frequency_low_chz", "return_frequency_low_chz", "return_frequency_high_chz", "frequency_high_chz"),
    ("backup_low_dv", "backup_high_dv"),
)


def _row(key):
    for row in SPEC:
        if row[0] == key:
            return row
    raise AssertionError(key)


def _bounds(key):
    return _row(key)[2:4]


def check_one(key, value):
    return check_row(_row(key), value)


def _stage(staging, key, value):
    """Stage a value as publish/registers.py does, which has checked it."""
    assert check_one(key, value) == ""
    staging.staged[key] = value
    staging.changed()


def test_the_defaults_are_those_of_the_product():
    values = defaults()
    assert check(values) == ""
    for key, value in (
        ("undervoltage_dv", 1840),
        ("overvoltage_dv", 2645),
        ("return_low_dv", 1955),
        ("return_high_dv", 2530),
        ("frequency_low_chz", 4750),
        ("frequency_high_chz", 5150),
        ("confirm_ms", 100),
        ("qualification_ms", 2000),
        ("return_delay_s", 310),
        ("dead_time_ms", 50),
        ("stagger_ms", 200),
        ("feedback_ms", 500),
        ("soc_hysteresis", 5),
        ("restore_gap_s", 60),
        ("soc_stale_s", 60),
        ("baud_rate", 9600),
        ("load_management_enable", 0),
    ):
        assert values[key] == value, key


def test_defaults_are_fresh_each_time():
    defaults()["unit_address"] = 99
    assert defaults()["unit_address"] == 1


def test_every_row_is_whole():
    keys = [row[0] for row in SPEC]
    assert len(keys) == len(set(keys)) == len(defaults())
    for key, default, low, high, unit in SPEC:
        assert low <= default <= high, key
        assert unit or high <= 255 or key == "baud_rate"
        assert low >= 0 and high < 1 << 17


def test_bounds_are_inclusive_and_kept():
    for key, _, low, high, _ in SPEC:
        for value in (low, high):
            assert check_one(key, value) == "", (key, value)
        for value in (low - 1, high + 1, -100000, 1 << 20):
            reason = check_one(key, value)
            assert key in reason and str(value) in reason, (key, value)


def test_the_bounds_that_safety_rests_on():
    """Named once more, so that none is widened by a slip."""
    for key, low, high in (
        ("undervoltage_dv", 1610, 2070),  # 0.7 to 0.9 Un
        ("overvoltage_dv", 2420, 2760),  # 1.05 to 1.2 Un
        ("frequency_low_chz", 4700, 4950),
        ("frequency_high_chz", 5050, 5200),
        ("confirm_ms", 90, 500),
        ("qualification_ms", 1000, 60000),
        ("return_delay_s", 60, 900),
        ("dead_time_ms", 30, 1000),
        ("stagger_ms", 50, 2000),
        ("feedback_ms", 100, 1000),
        ("retry_s", 5, 120),
        ("dead_bus_dv", 100, 1000),  # its top is below 0.45 Un, where a phase counts as live
        ("restore_gap_s", 60, 600),
        ("soc_stale_s", 10, 600),
        ("soc_hysteresis", 1, 20),
    ):
        assert _bounds(key) == (low, high), key


def test_only_whole_numbers_are_taken():
    for value in (1.0, "1", None, True, False, [1], 2.5):
        assert "whole number" in check_one("unit_address", value), value


def test_values_within_the_bounds_that_make_no_sense():
    for rate in BAUD_RATES:
        assert check_one("baud_rate", rate) == ""
    for rate in (9601, 14400, 115199):
        assert "9600" in check_one("baud_rate", rate)
    for key in ("soc_min_l1", "soc_min_l2", "soc_min_l3"):
        for value, good in ((0, True), (1, False), (9, False), (10, True), (100, True)):
            assert (check_one(key, value) == "") == good, (key, value)


def test_an_unknown_key_is_refused():
    values = defaults()
    values["ct_ratio"] = 1
    assert "ct_ratio" in check(values)


def test_a_missing_key_is_refused():
    for row in SPEC:
        values = defaults()
        del values[row[0]]
        assert check(values) == row[0] + " is missing"


def test_limits_must_rise():
    """Wherever the bounds of two neighbours overlap, equal and crossed values are refused."""
    tried = 0
    for chain in RISING:
        for low_key, high_key in zip(chain, chain[1:]):
            top = min(_bounds(low_key)[1], _bounds(high_key)[1])
            bottom = max(_bounds(low_key)[0], _bounds(high_key)[0])
            if bottom > top:
                continue  # the bounds alone keep them apart
            for high, good in ((top, False), (top + 1, True), (top - 1, False)):
                values = defaults()
                values[low_key], values[high_key] = top, high
                if not _bounds(high_key)[0] <= high <= _bounds(high_key)[1]:
                    continue
                reason = check(values)
                if not good:
                    assert low_key in reason and high_key in reason, (low_key, high, reason)
                    tried += 1
                else:
                    assert low_key not in reason or high_key not in reason, reason
    assert tried >= 4


def test_rules_are_asked_last_and_in_order():
    asked = []

    def first(values):
        asked.append(1)
        return "first" if values["unit_address"] == 7 else ""

    def second(values):
        asked.append(2)
        return "second"

    values = defaults()
    assert check(values, (first, second)) == "second" and asked == [1, 2]
    values["unit_address"] = 7
    assert check(values, (first, second)) == "first" and asked == [1, 2, 1]
    values["unit_address"] = 0
    assert "unit_address" in check(values, (first, second)) and len(asked) == 3


def test_a_staged_value_reads_back_but_does_not_run():
    staging = Staging(defaults())
    changes = staging.changes
    _stage(staging, "unit_address", 17)
    assert staging.changes == changes + 1
    assert staging.get("unit_address") == 17 and staging.get("baud_rate") == 9600
    assert staging.running["unit_address"] == 1
    assert staging.commit() == ""
    assert staging.running["unit_address"] == 17 and staging.staged == {}


def test_a_refused_set_is_dropped_whole():
    running = defaults()
    staging = Staging(running)
    _stage(staging, "unit_address", 17)
    _stage(staging, "undervoltage_dv", 2000)
    _stage(staging, "return_low_dv", 1990)
    assert "undervoltage_dv" in staging.commit()
    assert staging.running == defaults() and staging.running is running
    assert staging.staged == {} and staging.get("unit_address") == 1
    assert staging.commit() == ""


def test_values_that_are_good_together_only():
    staging = Staging(defaults())
    _stage(staging, "undervoltage_dv", 2000)  # above the running return limit
    _stage(staging, "return_low_dv", 2050)
    assert staging.commit() == ""
    assert staging.running["undervoltage_dv"] == 2000 and staging.running["return_low_dv"] == 2050


def test_rules_refuse_a_commit():
    staging = Staging(defaults(), (lambda values: "no" if values["stagger_ms"] == 999 else "",))
    _stage(staging, "stagger_ms", 999)
    assert staging.commit() == "no" and staging.running["stagger_ms"] == 200

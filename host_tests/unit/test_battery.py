"""The battery's state of charge: bounds, age, stale."""

from firmware.supervise.battery import Battery


def _refused(battery, percent):
    try:
        battery.tell(percent)
    except ValueError as error:
        return str(error)
    raise AssertionError("%d was taken" % percent)


def test_never_told_is_unknown_and_stale():
    battery = Battery()
    assert battery.soc == -1 and battery.age_s() == 65535
    assert battery.stale(600)
    battery.step(1000)
    assert battery.age_s() == 65535 and battery.stale(600)


def test_bounds():
    battery = Battery()
    for percent in (0, 1, 50, 100):
        battery.tell(percent)
        assert battery.soc == percent and battery.age_s() == 0 and not battery.stale(10)
    for percent in (-1, 101, 255, 65535):
        assert str(percent) in _refused(battery, percent)
        assert battery.soc == 100, "the value before stays"


def test_a_refused_value_does_not_make_it_fresh():
    battery = Battery()
    battery.tell(40)
    battery.step(61000)
    _refused(battery, 101)
    assert battery.stale(60) and battery.soc == 40


def test_stale_begins_after_the_limit():
    battery = Battery()
    battery.tell(40)
    battery.step(60000)
    assert battery.age_s() == 60 and not battery.stale(60)
    battery.step(1)
    assert battery.stale(60) and not battery.stale(61)
    battery.tell(41)
    assert not battery.stale(60)


def test_age_counts_part_seconds_and_saturates():
    battery = Battery()
    battery.tell(40)
    for _ in range(999):
        battery.step(1)
    assert battery.age_s() == 0
    battery.step(1)
    assert battery.age_s() == 1
    for _ in range(100):
        battery.step(10000000)
    assert battery.age_s() == 65535 and battery.stale(600) and battery.soc == 40

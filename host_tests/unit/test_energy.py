"""Energy counters: exact integers over years, remainders, signs, no load, restore."""

from firmware.measure.energy import Counter, Energy

NOTHING = [0.0] * 4


def test_a_counter_keeps_its_remainder():
    counter = Counter()
    counter.add(3599999)
    assert counter.wh == 0
    counter.add(1)
    assert counter.wh == 1
    counter.add(3 * 3600000 + 1799999)
    assert counter.wh == 4
    counter.add(1800001)
    assert counter.wh == 5


def test_ten_years_of_small_steps_lose_nothing():
    """14490 W for ten years in steps of 100 ms, taken together in chunks of an hour."""
    counter = Counter()
    chunk = 14490 * 100  # mJ in 100 ms
    hours = 10 * 8766
    for _ in range(hours):
        for _ in range(2):
            counter.add(chunk * 18000)  # half an hour
    assert counter.wh == 14490 * hours > 1 << 30
    counter.wh = 0x3FFFFFFF - 1  # one TWh
    counter.add(3600000)
    assert counter.wh == 0x3FFFFFFF


def test_steps_of_100_ms_are_summed_without_loss():
    energy = Energy()
    for _ in range(36000):  # an hour
        energy.add([1000.0, 10.0, 2.4, 1012.4], NOTHING, 100)
    assert energy.grid_import == [1000, 10, 2, 1012]


def test_a_counter_of_many_years_still_counts_a_watt_hour():
    """Where a single-precision float would stand still."""
    energy = Energy()
    energy.restore([[200000000] * 4, [0] * 4, [0] * 4])
    for _ in range(36):
        energy.add([1000.0] * 4, NOTHING, 100)
    assert energy.grid_import == [200000001] * 4


def test_import_and_export_are_apart_and_the_total_nets_its_phases():
    energy = Energy()
    for _ in range(3600):
        energy.add([3000.0, -1000.0, 0.0, 2000.0], NOTHING, 1000)
    assert energy.grid_import == [3000, 0, 0, 2000]
    assert energy.grid_export == [0, 1000, 0, 0]
    for _ in range(3600):
        energy.add([1000.0, -4000.0, 0.0, -3000.0], NOTHING, 1000)
    assert energy.grid_import == [4000, 0, 0, 2000]
    assert energy.grid_export == [0, 5000, 0, 3000]
    assert energy.pv == [0] * 4


def test_pv_counts_production_only():
    energy = Energy()
    for _ in range(3600):
        energy.add(NOTHING, [500.0, -20.0, 2.2, 480.0], 1000)
    assert energy.pv == [500, 0, 0, 480]
    assert energy.grid_import == [0] * 4 == energy.grid_export


def test_no_load_does_not_creep():
    """The starting current of class 0.5 S, 10 mA at 230 V, must count; less must not."""
    energy = Energy()
    for _ in range(3600):
        energy.add([2.29, -2.29, 2.3, -2.3], [2.29, 2.3, -5.0, 0.0], 10000)
    assert energy.grid_import == [0, 0, 23, 0] and energy.grid_export == [0, 0, 0, 23]
    assert energy.pv == [0, 23, 0, 0]


def test_snapshot_and_restore():
    energy = Energy()
    counts = [[1, 2, 3, 6], [10, 20, 30, 60], [100, 200, 300, 600]]
    energy.restore(counts)
    assert energy.snapshot() == counts
    assert (energy.grid_import, energy.grid_export, energy.pv) == tuple(counts)
    energy.add([3600.0] * 4, NOTHING, 1000)
    assert energy.grid_import == [2, 3, 4, 7]
    assert counts[0] == [1, 2, 3, 6], "the snapshot is a copy"

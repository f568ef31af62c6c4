"""Energy counters: exact integers over years, remainders, signs, no load, restore."""

from firmware.measure.energy import Energy, Register

NOTHING = [0] * 4
WH = 360000000  # steps of 0.01 mJ


def test_a_count_keeps_its_rest():
    register = Register()
    register.add(0, WH - 1)
    assert register.wh == [0] * 4
    register.add(0, 1)
    register.add(1, 1)
    assert register.wh == [1, 0, 0, 0]
    register.add(0, WH + WH // 2 - 1)
    assert register.wh[0] == 2
    register.add(0, WH // 2 + 1)
    assert register.wh[0] == 3


def test_ten_years_of_steps_lose_nothing():
    """14490 W for ten years, half an hour at a time, and the count where small integers end."""
    register = Register()
    hours = 10 * 8766
    for _ in range(hours):
        for _ in range(2):
            register.add(2, 14490 * 100 * 1800000)
    assert register.wh[2] == 14490 * hours > 1 << 30
    register.wh[2] = 0x3FFFFFFF - 1  # one TWh
    register.add(2, WH)
    assert register.wh[2] == 0x3FFFFFFF


def test_a_window_at_full_scale_stays_a_small_integer():
    """Three phases of 283 V and 71 A, the rest as large as it gets."""
    assert 3 * 283 * 71 * 100 * 100 + WH - 1 < 1 << 30


def test_steps_of_100_ms_are_summed_without_loss():
    energy = Energy()
    for _ in range(36000):  # an hour
        energy.add([100000, 1000, 240, 101240], NOTHING, 100)
    assert energy.grid_import == [1000, 10, 2, 1012]


def test_a_counter_of_many_years_still_counts_a_watt_hour():
    """Where a single-precision float would stand still."""
    energy = Energy()
    energy.restore([[200000000] * 4, [0] * 4, [0] * 4])
    for _ in range(36):
        energy.add([100000] * 4, NOTHING, 100)
    assert energy.grid_import == [200000001] * 4


def test_import_and_export_are_apart_and_the_total_nets_its_phases():
    energy = Energy()
    for _ in range(3600):
        energy.add([300000, -100000, 0, 200000], NOTHING, 1000)
    assert energy.grid_import == [3000, 0, 0, 2000]
    assert energy.grid_export == [0, 1000, 0, 0]
    for _ in range(3600):
        energy.add([100000, -400000, 0, -300000], NOTHING, 1000)
    assert energy.grid_import == [4000, 0, 0, 2000]
    assert energy.grid_export == [0, 5000, 0, 3000]
    assert energy.pv == [0] * 4


def test_pv_counts_production_only():
    energy = Energy()
    for _ in range(3600):
        energy.add(NOTHING, [50000, -2000, 220, 48000], 1000)
    assert energy.pv == [500, 0, 0, 480]
    assert energy.grid_import == [0] * 4 == energy.grid_export


def test_no_load_does_not_creep():
    """The starting current of class 0.5 S, 10 mA at 230 V, must count; less must not."""
    energy = Energy()
    for _ in range(3600):
        energy.add([229, -229, 230, -230], [229, 230, -500, 0], 10000)
    assert energy.grid_import == [0, 0, 23, 0] and energy.grid_export == [0, 0, 0, 23]
    assert energy.pv == [0, 23, 0, 0]


def test_snapshot_and_restore():
    energy = Energy()
    counts = [[1, 2, 3, 6], [10, 20, 30, 60], [100, 200, 300, 600]]
    energy.restore(counts)
    assert energy.snapshot() == counts
    assert (energy.grid_import, energy.grid_export, energy.pv) == tuple(counts)
    energy.add([360000] * 4, NOTHING, 1000)
    assert energy.grid_import == [2, 3, 4, 7]
    assert counts[0] == [1, 2, 3, 6], "the snapshot is a copy"

"""What the flashed box does at its pins all the time."""


def test_the_converters_are_spoken_to_as_their_data_sheet_wants(on_grid):
    """Clock, select and command times (DS21298), every conversion whole, 3200 scans in each second."""
    box = on_grid
    before, since_ns = box.converters.conversions, box.machine.now_ns
    box.machine.run(0.25)
    scans = (box.converters.conversions - before) / 8
    assert abs(scans - (box.machine.now_ns - since_ns) / 312500) <= 1
    assert not box.converters.violations
    assert box.converters.aborted == 0


def test_the_coils_fall_when_the_box_is_reset(on_grid):
    box = on_grid
    assert box.plant.coils == 1
    box.machine.reset()
    assert box.plant.coils == 0
    box.machine.run(0.1)
    assert box.plant.coils == 0
    assert len(box.machine.resets) == 1

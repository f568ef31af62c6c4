"""A flash erase of 400 ms, the longest that the data sheet allows, in the middle of sampling.

Nothing that runs from flash and no interrupt runs meanwhile; DMA and PIO go on. What was sampled is judged
and measured afterwards, block by block, and an outage that falls into the erase is seen then.
"""

import os

import pytest

from host_tests.emulated.master import asked, checked, read_request, value, write

LONG = bool(os.environ.get("LONG"))
ERASE_MS = 400.0  # W25Q16JV, 9.6: a sector takes 45 ms, at most 400 ms
BLOCK_CONVERSIONS = 64
HOP_MS = 100
HOP_BLOCKS = 40
STEPS_A_WH = 360000000  # firmware/measure/energy.py
# From the end of the erase: 160 blocks of 0.1 ms to be made up for, then the 5.6 ms of samples of any outage.
OPEN_MS = 25.0


def commit(box, stagger_ms=350):
    """Let a setting be written, with slow erases; return when the first of them begins and ends, in ns."""
    flash = box.machine.chip.ssi
    flash.erase_ms = ERASE_MS
    flash.erases.clear()
    assert write(box, "stagger_ms", stagger_ms) == 0
    assert write(box, "commit", 1) == 0
    box.machine.run_until(lambda: flash.erases, 2.0, every_ns=1e6)
    return flash.erases[0]


def imported(box):
    """Return, of one moment, readings and blocks so far and the energy of L1..L3 and total in 0.01 mJ."""
    count, blocks, rest, wh = asked(box, "count,blocks,imported._rest,imported.wh")
    return count, blocks, [part + STEPS_A_WH * whole for part, whole in zip(rest, wh)]


def settled(box):
    """Run until the last erase is over, and what it held up has been made good."""
    flash = box.machine.chip.ssi
    box.machine.run_until(lambda: box.machine.now_ns > flash.erases[-1][1] + 0.4e9, 6.0)


def test_an_erase_loses_no_sample_and_harms_no_reading(busy):
    """Two writes: the first has to erase for its folder, too."""
    box, machine, flash = busy, busy.machine, busy.machine.chip.ssi
    box.plant.set(grid_hz=49.9, load_w=[2300.0, 1150.0, 575.0])
    machine.run(1.5)  # until the smoothed frequency is the new one
    since_ns = machine.now_ns
    count_first, _blocks, first = imported(box)
    machine.run(1.0)
    count_before, blocks_before, before = imported(box)
    window = [(b - a) / (count_before - count_first) for a, b in zip(first, before)]
    pauses_ms, erases = [], []
    for stagger_ms in (350, 400):
        begins_ns, ends_ns = commit(box, stagger_ms)
        assert ends_ns - begins_ns == ERASE_MS * 1e6
        machine.run_until(lambda: machine.now_ns > begins_ns + 50e6, 1.0)  # noqa: B023  called at once
        exchange = box.line.send(read_request(100, 20))  # in the middle of the erase
        settled(box)
        assert exchange.request_end_ns < ends_ns < exchange.reply_start_ns
        assert checked(exchange)[2] == 40
        assert len(checked(box.line.ask(read_request(100, 20)))) == 43, "the one after it, too"
        erases.append(len(flash.erases))
        pauses_ms.append((exchange.reply_start_ns - begins_ns) / 1e6)

    least = box.converters.conversions // BLOCK_CONVERSIONS
    _count, blocks, after = imported(box)  # one reading has the windows of a whole erase
    assert least - 1 <= blocks <= box.converters.conversions // BLOCK_CONVERSIONS
    assert asked(box, "box.lost_blocks") == 0 and value(box, "lost_blocks") == 0
    hops = (blocks - blocks_before) / HOP_BLOCKS
    for mine, total_before, total in zip(window, before, after):
        counted = (total - total_before) / mine
        assert abs(counted - round(counted)) < 0.0005 * counted, "whole windows of the power as before"
        # A window is worked out while the next one is measured: up to two are on their way.
        assert abs(counted - hops) < 2, f"energy of {counted:.1f} windows in the time of {hops:.1f}"
    assert not box.plant.edges_of("K_GRID", False, since_ns) and not machine.resets
    assert not box.converters.violations and not box.line.violations
    assert value(box, "stagger_ms") == 400
    return {"erases": erases, "reply after the erase began": [f"{ms:.0f} ms" for ms in pauses_ms]}


@pytest.mark.parametrize("part", (0.02, 0.5, 0.98))
def test_an_outage_within_an_erase_opens_k_grid_right_after_it(busy, part):
    box, machine = busy, busy.machine
    begins_ns, ends_ns = commit(box)
    falls_ns = begins_ns + part * (ends_ns - begins_ns)
    box.plant.schedule(falls_ns / 1e9, grid_v=[0, 0, 0])
    machine.run_until(lambda: box.plant.edges_of("K_GRID", False, falls_ns), 0.6, every_ns=1e5)
    opens_ns = box.plant.edges_of("K_GRID", False, falls_ns)[0]
    after_ms = (opens_ns - ends_ns) / 1e6
    assert 0 < after_ms <= OPEN_MS, after_ms
    machine.run_until(lambda: box.plant.coils == 0b1110, 6.0)
    assert asked(box, "box.lost_blocks") == 0 and not machine.resets
    assert not [event for event in box.plant.events if "hazard" in event]
    return {"after the erase": f"{after_ms:.1f} ms", "dark": f"{(opens_ns - falls_ns) / 1e6:.0f} ms"}


def test_no_erase_is_taken_for_lost_samples(busy):
    """At several moments of the sampler's own look at the time (every 100 ms, BlockSource.check)."""
    box, machine = busy, busy.machine
    flash = machine.chip.ssi
    flash.erase_ms = ERASE_MS
    for stagger_ms in range(300, 304 if LONG else 302):
        flash.erases.clear()
        assert write(box, "stagger_ms", stagger_ms) == 0
        assert write(box, "commit", 1) == 0
        machine.run_until(lambda: flash.erases, 2.0)
        machine.run_until(lambda: machine.now_ns > flash.erases[-1][1] + 0.3e9, 6.0)
        assert asked(box, "box.lost_blocks,meter._windows.lost")[0] == 0, stagger_ms

"""Converters that cannot be believed: noticed, named, and no grid is good by them; and mended again."""

import contextlib
import random

import pytest

from firmware.acquire.layout import CHANNELS, MID_CODE, TOP_CODE
from firmware.publish.display import WIDTH, fit
from host_tests.emulated.master import value
from tools.emulator.devices.mcp3208 import absent, healthy, stuck
from tools.emulator.machine import EmulationError

A, B = 0, 1
NOT_MEASURED, GRID = 8, 1
WARN_CONVERTER = 64
# To the interrupt a code that stands still is a voltage: mostly a far too high one, which opens after 100 ms
# and a window of 17.5 ms. Where it has the level of a sound one it is the verdict on the window that opens.
OPEN_MS = 350.0
NAMED_MS = 500.0  # the window under way, one of 200 ms, and the next where a verdict has to last for two
QUALIFICATION_S = 2.0
FIRST_ALARMS = 9  # the first of the display's pages with faults and warnings
PAGE_S = 1.2  # a page is written in: 80 characters, 10 ms each
KEY_S = 0.06  # the key is looked at every 10 ms, but not while memory is collected, 30 ms
ALL_A, ALL_B = 0x00FF, 0x7F00  # the spare input is not looked at


def channel(name, way):
    """Return the way of a converter one of whose channels has a way of its own."""
    number = CHANNELS.index(name) % 8
    return lambda at, code: way(at, code) if at == number else code


def too_large(at, code):
    """A channel whose signal is three times as large as the converter's range allows."""
    return max(0, min(TOP_CODE, MID_CODE + 3 * (code - MID_CODE)))


def hum():
    """Return the way of an input that nothing drives and that picks up anything but mains."""
    noise = random.Random(1)
    return lambda at, code: noise.randrange(TOP_CODE + 1)


# What is done to which converter; which channels are then called absent, stuck and saturated; how the log
# and the display name it.
BLIND = {
    "A absent, its line pulled up": (A, absent, (ALL_A, 0, 0), "converter A", "absent"),
    "A absent, its line low": (A, stuck(0), (ALL_A, 0, 0), "converter A", "absent"),
    "A stuck at a code": (A, stuck(1200), (ALL_A, 0, 0), "converter A", "absent"),
    "V2 stuck": (A, channel("V2", stuck(3000)), (0, 2, 0), "channel V2", "stuck"),
    "V3 saturated": (A, channel("V3", too_large), (0, 0, 4), "channel V3", "saturated"),
}
ELSEWHERE = {
    "B absent": (B, absent, (ALL_B, 0, 0), "converter B", "absent"),
    "P3 stuck": (B, channel("P3", stuck(700)), (0, 0x2000, 0), "channel P3", "stuck"),
    "I1 saturated": (
        B,
        channel("I1", lambda at, code: TOP_CODE * (code > MID_CODE)),
        (0, 0, 0x100),
        "channel I1",
        "saturated",
    ),
}


def masks(box):
    """Return what the box calls absent, stuck and saturated."""
    return tuple(int(value(box, f"channels_{flaw}")) for flaw in ("absent", "stuck", "saturated"))


def damage(box, chip, way):
    """Let a converter have another way from now on; return when, in ns."""
    box.converters.ways[chip] = way
    return box.machine.now_ns


def shown(box, name, flaw):
    """Turn to the display's pages of faults and warnings and run until one of them names the flaw."""
    text = fit(f"W {name} {flaw}", WIDTH)
    press(box, FIRST_ALARMS - int(box.display.lines[0].split()[-1].partition("/")[0]))
    for _page in range(2):
        with contextlib.suppress(EmulationError):
            box.machine.run_until(lambda: any(line.rstrip() == text for line in box.display.lines), PAGE_S)
            return
        press(box, 1)
    raise AssertionError((text, box.display.lines))


def press(box, times):
    """Press the key for the next page."""
    for _press in range(times):
        box.plant.page_key(True)
        box.machine.run(KEY_S)
        box.plant.page_key(False)
        box.machine.run(KEY_S)


@pytest.mark.parametrize("case", BLIND)
def test_a_grid_that_cannot_be_measured_is_not_good(on_grid, case):
    chip, way, flaws, name, flaw = BLIND[case]
    box, machine, plant = on_grid, on_grid.machine, on_grid.plant
    since_ns = damage(box, chip, way)
    said = len(machine.console.lines)
    machine.run_until(lambda: plant.edges_of("K_GRID", False, since_ns), 0.5)
    took_ms = (plant.edges_of("K_GRID", False, since_ns)[0] - since_ns) / 1e6
    machine.run_until(lambda: f"converter name={name} flaw={flaw} on=True" in machine.console.text, 1.0)
    named_ms = (machine.now_ns - since_ns) / 1e6
    assert took_ms <= OPEN_MS and named_ms <= NAMED_MS, (took_ms, named_ms)
    shown(box, name, flaw)
    assert masks(box) == flaws
    assert int(value(box, "warnings")) & WARN_CONVERTER
    machine.run_until(lambda: machine.now_ns > since_ns + (QUALIFICATION_S + 0.7) * 1e9, 4.0)
    assert not plant.edges_of("K_GRID", True, since_ns)
    good = [line.text for line in machine.console.lines[said:] if "grid good=True" in line.text]
    assert not good, "what cannot be measured was called good"
    assert value(box, "state_reason") != 0
    if not flaws[2]:
        assert value(box, "state_reason") == NOT_MEASURED

    mended_ns = damage(box, chip, healthy)
    machine.run_until(lambda: plant.edges_of("K_GRID", True, mended_ns), QUALIFICATION_S + 2.0)
    back_s = (plant.edges_of("K_GRID", True, mended_ns)[0] - mended_ns) / 1e9
    assert back_s >= QUALIFICATION_S
    machine.run(0.6)  # a verdict of soundness has to last for five windows
    assert masks(box) == (0, 0, 0) and not int(value(box, "warnings")) & WARN_CONVERTER
    assert value(box, "state") == GRID and abs(value(box, "grid_voltage_l1") - 230) < 0.5
    assert not [event for event in plant.events if "hazard" in event]
    return {"opens": f"{took_ms:.1f} ms", "named": f"{named_ms:.0f} ms", "back": f"{back_s:.2f} s"}


@pytest.mark.parametrize("case", ELSEWHERE)
def test_another_channel_is_named_and_the_house_keeps_the_grid(on_grid, case):
    chip, way, flaws, name, flaw = ELSEWHERE[case]
    box, machine = on_grid, on_grid.machine
    since_ns = damage(box, chip, way)
    machine.run_until(lambda: f"converter name={name} flaw={flaw} on=True" in machine.console.text, 1.0)
    shown(box, name, flaw)
    assert masks(box) == flaws and int(value(box, "warnings")) & WARN_CONVERTER
    if flaws[0]:
        assert value(box, "grid_current_l1") == value(box, "grid_active_power_total") == 0
        assert value(box, "backup_voltage_l3") == 0
    damage(box, chip, healthy)
    machine.run_until(lambda: f"converter name={name} flaw={flaw} on=False" in machine.console.text, 1.5)
    machine.run(0.5)
    assert masks(box) == (0, 0, 0)
    assert abs(value(box, "grid_current_l1") - 1000 / 230) < 0.05
    assert not box.plant.edges_of("K_GRID", False, since_ns)


def test_noise_is_no_grid(on_grid):
    """As large as a sound voltage, but without mains frequency, for four seconds."""
    box, machine, plant = on_grid, on_grid.machine, on_grid.plant
    said = len(machine.console.lines)
    since_ns = damage(box, A, channel("V1", hum()))
    machine.run_until(lambda: plant.edges_of("K_GRID", False, since_ns), 1.0)
    took_ms = (plant.edges_of("K_GRID", False, since_ns)[0] - since_ns) / 1e6
    machine.run(4.0)
    assert not plant.edges_of("K_GRID", True, since_ns)
    good = [line.text for line in machine.console.lines[said:] if "grid good=True" in line.text]
    assert not good, "noise was called a good grid"
    return {"opens": f"{took_ms:.0f} ms"}

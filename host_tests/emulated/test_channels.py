"""All fifteen channels at once, each with a signal of its own, from the converters' pins to its registers.

The amplitudes differ, in volts, amperes and counts, and so do the angles: two channels that were exchanged, a
current that met the voltage of another phase, and a sign that was lost would each show as a wrong value.
"""

import itertools
import math
from typing import NamedTuple

from firmware.acquire.calibration import FULL_SCALE_A, FULL_SCALE_V
from firmware.acquire.layout import CHANNELS, MID_CODE
from host_tests.emulated.master import REGISTERS, decoded, words

HZ = 49.7  # not a whole number of scans a cycle: quantisation averages out
COUNTS = 2048  # from mid-scale to the end of the range
# RMS counts of any two channels differ by this part at least, forty times what a reading may be off.
APART = 0.02
# A converter of 12 bits makes 0.01 % of it (quantisation averaged over 640 samples), the chip's whole numbers
# 0.006 % (firmware/measure/fixed.py); a master reads them in steps.
WITHIN = 0.0005
SETTLED_S = 1.5  # the smoothed frequency takes a second, a window 0.2 s


class Signal(NamedTuple):
    """What is at one input."""

    rms: float  # V or A
    deg: float  # of a cosine
    rest: int  # counts by which it rests beside mid-scale


SIGNALS = {
    "V1": Signal(212.0, 0.0, 3),
    "V2": Signal(226.0, -126.0, -7),
    "V3": Signal(240.0, 113.0, 11),
    "U1": Signal(205.0, 20.0, -15),
    "U2": Signal(219.0, -95.0, 19),
    "U3": Signal(233.0, 155.0, -23),
    "B1": Signal(198.0, 44.0, 27),
    "B2": Signal(246.0, -77.0, -31),
    "I1": Signal(4.0, -30.0, 35),  # lags by 30 degrees
    "I2": Signal(8.0, 24.0, -39),  # leads by 150: export
    "I3": Signal(12.0, 173.0, 43),  # leads by 60
    "P1": Signal(18.0, 15.0, -47),  # lags by 5
    "P2": Signal(25.0, -70.0, 51),  # leads by 25
    "P3": Signal(33.0, 110.0, -55),  # lags by 45
    "B3": Signal(253.0, 163.0, 59),
    "spare": Signal(230.0, 77.0, -63),  # large, and nowhere to be seen
}


def counts_rms(name: str) -> float:
    """Return what a channel's signal is in counts."""
    return SIGNALS[name].rms * COUNTS / (FULL_SCALE_A if name[0] in "IP" else FULL_SCALE_V)


def code(name: str, t_ns: float) -> int:
    """Return what the converter makes of a channel's signal at an instant."""
    signal = SIGNALS[name]
    angle = 2 * math.pi * HZ * t_ns / 1e9 + math.radians(signal.deg)
    return round(MID_CODE + signal.rest + math.sqrt(2) * counts_rms(name) * math.cos(angle))


def source(channel: int, t_ns: float) -> tuple[int, int]:
    """Return the codes of both converters, as `Mcp3208Pair` asks for them."""
    return code(CHANNELS[channel], t_ns), code(CHANNELS[channel + 8], t_ns)


def expected() -> dict[str, float]:
    """Return what each register that shows a channel must say, in its unit."""
    values: dict[str, float] = {}
    for meter, volts, amperes in (("grid", "V", "I"), ("pv", "U", "P")):
        total_p = total_q = 0.0
        for n in "123":
            v, i = SIGNALS[volts + n], SIGNALS[amperes + n]
            lag = math.radians(v.deg - i.deg)
            p, q = v.rms * i.rms * math.cos(lag), v.rms * i.rms * math.sin(lag)
            total_p, total_q = total_p + p, total_q + q
            values[f"{meter}_voltage_l{n}"] = v.rms
            values[f"{meter}_current_l{n}"] = i.rms
            values[f"{meter}_active_power_l{n}"] = p
            values[f"{meter}_reactive_power_l{n}"] = q
            values[f"{meter}_apparent_power_l{n}"] = v.rms * i.rms
            values[f"{meter}_power_factor_l{n}"] = math.cos(lag)
        values[f"{meter}_active_power_total"] = total_p
        values[f"{meter}_reactive_power_total"] = total_q
    for n in "123":
        values[f"load_voltage_l{n}"] = SIGNALS["U" + n].rms
        values[f"backup_voltage_l{n}"] = SIGNALS["B" + n].rms
    return values


def size_of(name: str, values: dict[str, float]) -> float:
    """Return what an error of a register is a part of: of a power the apparent power, of a factor 1."""
    meter, _, suffix = name.partition("_")
    if "power_factor" in name:
        return 1.0
    if "active" in name:  # and reactive
        ends = "123" if suffix.endswith("total") else name[-1]
        return sum(values[f"{meter}_apparent_power_l{n}"] for n in ends)
    return values[name]


def test_each_channel_shows_in_its_own_registers_with_its_sign(on_grid):
    for one, other in itertools.combinations(CHANNELS[:-1], 2):
        assert abs(counts_rms(one) / counts_rms(other) - 1) > APART, (one, other)
    box = on_grid
    box.converters.source = source
    box.machine.run(SETTLED_S)
    image = {start: words(box, start, count) for start, count in ((100, 54), (200, 46), (300, 6))}
    values = expected()
    worst: dict[str, float] = {}
    for name, wanted in values.items():
        row = REGISTERS[name]
        start = row["address"] // 100 * 100
        read = decoded(row, image[start][row["address"] - start :])
        part = max(0.0, abs(read - wanted) - row["scale"]) / size_of(name, values)
        assert part <= WITHIN, (name, read, wanted)
        kind = name.partition("_")[2].rpartition("_")[0]
        worst[kind] = max(worst.get(kind, 0.0), part)
    assert not box.plant.edges_of("K_GRID", False), "these voltages are no reason to open"
    return {kind: f"{100 * part:.3f} %" for kind, part in worst.items()}

"""The chip's metering against the host's: the same samples to the same modules, on both.

The host has floats of 53 bits, the chip of 24. Floats are left where the calibration becomes factors and
limits (measure/fixed.py, supervise/watch.py), in the angle of the frequency, and in the turning of a power by
frequency and phase correction; so the front end here has a calibration of odd values in every channel. No
register is a float. The cases are those of host_tests/closed_loop/test_metering.py.
"""

import ast
import math
import random
import struct
from collections.abc import Iterator

import pytest

from firmware.acquire.calibration import Calibration
from firmware.acquire.layout import BLOCK_WORDS, CHANNELS, MID_CODE, SCAN_HZ, SCANS, TOP_CODE, Ring
from firmware.store.settings import defaults
from firmware.supervise.front_end import FrontEnd
from tools.flash.build import board_script

RAM_AT = 0x20000000
WITHIN = 0.0005  # of the value; of the apparent power for powers
LIMITS_WITHIN = 1e-5  # of the square of a limit: a tenth of a millivolt in 10 V
TRUE_WITHIN = 0.005  # class 0.5; the rest of it is proven in closed loop
DEPTH = 176
CHUNK = 160  # blocks; the ring keeps the cycle before them
CHUNKS = 4  # 1.6 s: the smoothed frequency settles, fourteen windows
LOADS_W = (2300.0, 1150.0, 230.0)
PV_W = (2000.0, 1500.0, 333.0)
BACKUP_V = (228.0, 231.0, 234.0)
BUS_V = 229.0
GRID_V = 230.0
NOISE_COUNTS = 1.0
CASES = [(hz, pf, {}) for hz in (47.6, 49.7, 50.0, 51.3) for pf in (1.0, 0.5, -0.8)]
CASES.append((50.0, 1.0, {3: 0.05, 5: 0.06, 7: 0.03}))
# Gains of no round number, wrong polarity in one place, phase errors as of current transformers.
CALIBRATION = {
    name: {
        "gain": (100.0 if name[0] in "IP" else 400.0) / 2048 * (1.01 + 0.0137 * number),
        "offset": 7 * number - 50,
        "polarity": -1 if name == "I2" else 1,
        "phase_deg": 0.3 + 0.17 * number if name[0] in "IP" else 0.0,
    }
    for number, name in enumerate(CHANNELS)
    if name != "spare"
}
# What the board runs. Readings, counts of energy (steps and Wh), frequency of the last cycle, limits.
SHOW = """(r.v_cv, r.u_cv, r.b_cv, r.i_ma, r.pv_i_ma, r.grid_p_cw, r.grid_q_cvar, r.grid_s_cva, r.pv_p_cw,
 r.pv_q_cvar, r.pv_s_cva, r.grid_pf_mil, r.frequency_mhz, front.meter.frequency.mhz, front.meter.count,
 [(one._rest, one.wh) for one in (energy._import, energy._export, energy._pv)],
 list(front.memory.view(102, 9)) + list(front.memory.view(126, 15)))"""
ON_BOARD = f"""
def take(first, count):
    for number in range(first, first + count):
        front.on_block(number)
        front.meter.collect()
    r, energy = front.meter.readings, front.meter.energy
    print({SHOW})
"""
NAMES = (
    *("v", "u", "b", "i", "pv_i", "grid_p", "grid_q", "grid_s", "pv_p", "pv_q", "pv_s"),
    *("pf", "frequency", "cycle", "windows", "energy", "limits"),
)


def peaks(pf: float, harmonics: dict[int, float]) -> dict[str, list[tuple[int, float, float]]]:
    """Return the sines of each channel: order, peak in V or A, angle in degrees."""
    lag = math.copysign(math.degrees(math.acos(abs(pf))), pf)
    waves = {}
    for phase in range(3):
        at = -120.0 * phase
        name = str(phase + 1)
        waves["V" + name] = [(1, GRID_V, at)]
        waves["I" + name] = [(1, LOADS_W[phase] / GRID_V / abs(pf), at - lag)]
        waves["U" + name] = [(1, BUS_V, at + 9.0)]
        waves["P" + name] = [(1, PV_W[phase] / BUS_V, at + 9.0)]
        waves["B" + name] = [(1, BACKUP_V[phase], at + 33.0)]
    for name in waves:
        if name[0] in "VI":
            (_, rms, at) = waves[name][0]
            waves[name] += [(order, rms * part, order * at) for order, part in harmonics.items()]
    return {
        name: [(order, rms * math.sqrt(2), at) for order, rms, at in waves[name]] if name in waves else []
        for name in CHANNELS
    }


def chunks(hz: float, pf: float, harmonics: dict[int, float]) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the words of both converters for `CHUNK` blocks after the other, as the front end makes them."""
    noise = random.Random(1)
    waves = peaks(pf, harmonics)

    def code(name: str, scan: int) -> int:
        row = CALIBRATION.get(name, {"gain": 1.0, "offset": 0, "polarity": 1, "phase_deg": 0.0})
        turns = hz * scan / SCAN_HZ
        # The channel is late by a time, which is so many degrees at 50 Hz.
        late = row["phase_deg"] * hz / 50.0
        volts = sum(
            peak * math.sin(2 * math.pi * order * turns + math.radians(at - order * late))
            for order, peak, at in waves[name]
        )
        counts = row["polarity"] * volts / row["gain"] + row["offset"] + noise.gauss(0.0, NOISE_COUNTS)
        return max(0, min(TOP_CODE, round(MID_CODE + counts)))

    for chunk in range(CHUNKS):
        scans = range(chunk * CHUNK * SCANS, (chunk + 1) * CHUNK * SCANS)
        yield tuple(
            [code(name, scan) for scan in scans for name in names] for names in (CHANNELS[:8], CHANNELS[8:])
        )


def put(write, depth: int, first: int, content: tuple[list[int], list[int]]) -> None:
    """Write blocks from number `first` on into a ring by `write(chip, word, words)`."""
    for chip in range(2):
        for block in range(CHUNK):
            words = content[chip][block * BLOCK_WORDS : (block + 1) * BLOCK_WORDS]
            write(chip, (first + block) % depth * BLOCK_WORDS, words)


def on_host(content: list) -> dict:
    """Return what the modules make of it with this interpreter's arithmetic."""
    calibration = Calibration()
    calibration.load(CALIBRATION)
    ring = Ring(DEPTH)
    front = FrontEnd(ring, calibration)
    front.watch.set_limits(defaults(), calibration)

    def write(chip: int, at: int, words: list[int]) -> None:
        buffer = ring.b if chip else ring.a
        for n, word in enumerate(words):
            buffer[at + n] = word

    for chunk, words in enumerate(content):
        put(write, ring.depth, chunk * CHUNK, words)
        for number in range(chunk * CHUNK, (chunk + 1) * CHUNK):
            front.on_block(number)
            front.meter.collect()
    scope = {"r": front.meter.readings, "front": front, "energy": front.meter.energy}
    return dict(zip(NAMES, eval(SHOW, scope), strict=True))


def on_chip(board, content: list) -> dict:
    """Return what the chip makes of it; the samples are put where its DMA would."""
    machine = board.machine
    code = (
        f"calibration = Calibration()\ncalibration.load({CALIBRATION!r})\n"
        f"front = FrontEnd(ring, calibration, 3, thumb)\n"
        f"front.watch.set_limits(defaults(), calibration)\n{ON_BOARD}"
    )
    machine.execute(board_script(code))

    def write(chip: int, at: int, words: list[int]) -> None:
        start = board.rings[chip] + 2 * at - RAM_AT
        machine.chip.sram[start : start + 2 * len(words)] = struct.pack(f"<{len(words)}H", *words)

    said = ""
    for chunk, words in enumerate(content):
        put(write, board.depth, chunk * CHUNK, words)
        said = machine.execute(f"take({chunk * CHUNK}, {CHUNK})", 10.0)
    return dict(zip(NAMES, ast.literal_eval(said), strict=True))


def worst_part(chip: list, host: list, whole: list) -> float:
    """Return the largest difference as a part of `whole`; a unit of the last place is none."""
    return max(max(0.0, abs(a - b) - 1) / max(1, abs(c)) for a, b, c in zip(chip, host, whole, strict=True))


def steps(counts: tuple[list[int], list[int]]) -> list[int]:
    """Return energy counts in 0.01 mJ."""
    return [rest + 360000000 * wh for rest, wh in zip(*counts, strict=True)]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_the_chip_measures_as_the_host_does(modules, case):
    hz, pf, harmonics = CASES[case]
    content = list(chunks(hz, pf, harmonics))
    host, chip = on_host(content), on_chip(modules, content)
    parts = {name: worst_part(chip[name], host[name], host[name]) for name in ("v", "u", "b", "i", "pv_i")}
    for meter in ("grid", "pv"):
        for power in "pqs":
            name = f"{meter}_{power}"
            parts[name] = worst_part(chip[name], host[name], host[meter + "_s"])
    parts["pf"] = worst_part(chip["pf"], host["pf"], [1000] * 4)
    for name in ("frequency", "cycle"):
        parts[name] = abs(chip[name] - host[name]) / host[name]
    assert chip["windows"] == host["windows"] == CHUNKS * CHUNK // 40 - 1
    parts["energy"] = max(
        worst_part(steps(a), steps(b), steps(b)) for a, b in zip(chip["energy"], host["energy"], strict=True)
    )
    assert max(parts.values()) <= WITHIN, parts
    assert all(
        abs(a / b - 1) <= LIMITS_WITHIN for a, b in zip(chip["limits"], host["limits"], strict=True) if b
    )
    assert_true(chip, hz, pf, harmonics)
    return {name: f"{100 * part:.4f} %" for name, part in parts.items() if part}


def assert_true(chip: dict, hz: float, pf: float, harmonics: dict[int, float]) -> None:
    """Compare with what the samples were made from: host and chip could be wrong alike."""
    squares = 1 + sum(part * part for part in harmonics.values())
    for phase, watts in enumerate(LOADS_W):
        apparent = watts / abs(pf) * squares
        reactive = math.copysign(math.sqrt(1 - pf * pf), pf) * apparent
        for name, true in (("v", GRID_V * math.sqrt(squares)), ("u", BUS_V), ("b", BACKUP_V[phase])):
            assert abs(chip[name][phase] / 100 / true - 1) <= TRUE_WITHIN, (name, phase, chip[name])
        assert abs(chip["grid_p"][phase] / 100 - watts * squares) <= TRUE_WITHIN * apparent, chip["grid_p"]
        if not harmonics:
            assert abs(chip["grid_q"][phase] / 100 - reactive) <= 2 * TRUE_WITHIN * apparent, chip["grid_q"]
        assert abs(chip["pv_p"][phase] / 100 / PV_W[phase] - 1) <= TRUE_WITHIN, chip["pv_p"]
    assert abs(chip["frequency"] / 1000 / hz - 1) <= 0.0002

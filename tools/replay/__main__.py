"""Replay a recording of one voltage and one current through the box's converters, firmware and registers."""

import argparse
import json
import math
import sys
from types import SimpleNamespace

import numpy as np

from tools import cpython
from tools.replay.frequency import mains_hz
from tools.replay.playback import Codes, convert, play
from tools.replay.recording import RecordingError, Samples, check_numbers, read_pairs, scaled
from tools.replay.resample import to_scans, whole_cycles

DESCRIPTION = """\
Replay a recording of one voltage and one current: resampled to 3200 scans a second, through a model of
the 12-bit converters (full scale 400 V and 100 A peak) into one phase of a real firmware box, the other
phases at rest. Prints what the box's Modbus registers give beside what numpy computes from the recording.

FILE holds little-endian int16 pairs, or two columns of CSV with or without a header; current first,
unless --order vi. Means are removed, as the box does: it measures no DC.
"""

EPILOG = """\
What is compared: the box measures in windows of 200 ms, one every 100 ms, weighted so that together they
weigh every instant alike. Rest is put before and after the recording, and all windows are added up: power
as the mean, voltage and current as the root of the mean square, power factor as the mean of factor times
apparent power. numpy takes the same whole recording. The frequency is the mean of the readings from 1 s
(at most half the recording) after its start. A recording of less than 1 s is cut to whole cycles, for both
sides, and repeated for at least 3 s.
"""

_SHORT_S = 1.0
_LEAST_S = 3.0  # short recordings are repeated for this long
_HOP_S = 0.1
_WINDOW_S = 0.2
_SETTLED_S = 1.0
_FREQUENCY_FROM_V = 46.0  # 0.2 Un, firmware/measure/frequency.py
ROWS = (
    ("voltage_v", "voltage", "V", "%.2f", True),
    ("current_a", "current", "A", "%.3f", True),
    ("active_power_w", "active power", "W", "%.1f", True),
    ("power_factor", "power factor", "", "%.3f", False),
    ("frequency_hz", "frequency", "Hz", "%.3f", False),
)


def raw_values(voltage: Samples, current: Samples, hz: float) -> dict[str, float]:
    """Return what numpy computes from a record in V and A without means."""
    volts, amperes = math.sqrt(np.mean(voltage**2)), math.sqrt(np.mean(current**2))
    watts = float(np.mean(voltage * current))
    apparent = volts * amperes
    factor = watts / apparent if apparent else 0.0
    return _values(volts, amperes, watts, factor, hz)


def box_values(read: SimpleNamespace, duration_s: float) -> dict[str, float]:
    """Return the readings of all windows, put together for a record that was played for `duration_s`."""

    def mean(values: Samples) -> float:
        return float(values.sum()) * _HOP_S / duration_s

    volts, amperes = (math.sqrt(mean(np.square(values))) for values in (read.voltage, read.current))
    apparent = volts * amperes
    factor = mean(np.multiply(read.power_factor, read.apparent_power)) / apparent if apparent else 0.0
    first_s = min(_SETTLED_S, duration_s / 2) + _WINDOW_S
    frequencies = [
        hz for hz, end_s in zip(read.frequency, read.end_s, strict=True) if first_s <= end_s <= duration_s
    ]
    hz = float(np.mean(frequencies)) if all(frequencies) and frequencies else 0.0
    return _values(volts, amperes, mean(np.array(read.active_power)), factor, hz)


def _values(*values: float) -> dict[str, float]:
    return {row[0]: round(float(value), 6) for row, value in zip(ROWS, values, strict=True)}


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message}\n")


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="python -m tools.replay",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="the recording")
    parser.add_argument("--rate", type=float, required=True, metavar="HZ", help="pairs a second")
    parser.add_argument("--volts-per-count", type=float, required=True, metavar="X")
    parser.add_argument("--amps-per-count", type=float, required=True, metavar="Y")
    parser.add_argument("--phase", type=int, choices=(1, 2, 3), default=1, help="phase of the box (1)")
    parser.add_argument("--order", choices=("iv", "vi"), default="iv", help="which column is first (iv)")
    parser.add_argument(
        "--noise-lsb",
        type=float,
        default=0.5,
        metavar="N",
        help="noise of the front end in converter counts RMS, the same in every run (0.5); without noise, "
        "currents below a few steps of 49 mA would be a staircase, which no real input is",
    )
    parser.add_argument("--json", action="store_true", help='print {"box": {...}, "raw": {...}} only')
    given = parser.parse_args(arguments)
    try:
        check_numbers(given.rate, given.volts_per_count, given.amps_per_count)
        if not 0 <= given.noise_lsb <= 50:
            raise RecordingError(f"--noise-lsb must be 0 to 50 counts, not {given.noise_lsb:g}")
    except RecordingError as error:
        parser.error(str(error))
    return given


def main(arguments: list[str] | None = None) -> int:
    given = _arguments(arguments)
    try:
        return _replay(given)
    except RecordingError as error:
        print(f"replay: {error}", file=sys.stderr)
        return 2


def _replay(given: argparse.Namespace) -> int:
    cpython.install()
    from firmware.acquire.calibration import FULL_SCALE_A, FULL_SCALE_V

    first, second = read_pairs(given.file, given.order)
    voltage, current = scaled(first, given.volts_per_count), scaled(second, given.amps_per_count)
    pairs, rate_hz = len(voltage), given.rate
    hz = mains_hz(voltage, rate_hz)
    played = "once, whole"
    repeats = 1
    if pairs < _SHORT_S * rate_hz:
        kept, cycles = whole_cycles(pairs, rate_hz, hz)
        voltage, current = (values[:kept] - values[:kept].mean() for values in (voltage, current))
        rate_hz = kept * hz / cycles  # at most half a sample off: what is repeated lasts whole cycles
        repeats = math.ceil(_LEAST_S * rate_hz / kept)
        played = f"{repeats} times its first {cycles} cycles ({kept / rate_hz:.3f} s), as it is short"
    elif not hz:
        _warn("no mains frequency found in the voltage; is --order right?")
    raw = raw_values(voltage, current, hz)
    duration_s = repeats * len(voltage) / rate_hz
    codes: list[Codes] = []
    for values, full_scale, unit in ((voltage, FULL_SCALE_V, "V"), (current, FULL_SCALE_A, "A")):
        scans = to_scans(np.tile(values, repeats), rate_hz)
        column, clipped = convert(scans, full_scale, given.noise_lsb, len(codes))
        codes.append(column)
        if clipped:
            _warn(
                f"{clipped} of {len(scans)} scans are beyond the converter's {full_scale:g} {unit} and were "
                f"clipped; the recording reaches {np.abs(values).max():.4g} {unit}"
            )
    if hz and raw["voltage_v"] < _FREQUENCY_FROM_V:
        _warn(f"below {_FREQUENCY_FROM_V:g} V the box gives no frequency")
    box = box_values(play(codes[0], codes[1], given.phase - 1), duration_s)
    if given.json:
        print(json.dumps({"box": box, "raw": raw}))
        return 0
    print(f"recording  {given.file}: {pairs} pairs at {given.rate:g} Hz, {pairs / given.rate:.3f} s")
    print(f"played     {played}; into L{given.phase}, other phases at rest; {given.noise_lsb:g} LSB of noise")
    print("compared   all that was played: mean power, root of the mean square (--help says more)\n")
    _print_table(box, raw)
    return 0


def _warn(text: str) -> None:
    print(f"replay: warning: {text}", file=sys.stderr)


def _print_table(box: dict[str, float], raw: dict[str, float]) -> None:
    print(f"{'':15} {'box':>10} {'raw':>10}  difference")
    for key, name, unit, form, relative in ROWS:
        difference = box[key] - raw[key]
        if relative:
            shown = f"{100 * difference / raw[key]:+.2f} %" if raw[key] else "-"
        else:
            shown = f"{difference:+.3f} {unit}".rstrip()
        print(f"{name:12} {unit:2} {form % box[key]:>10} {form % raw[key]:>10}  {shown}")


if __name__ == "__main__":
    sys.exit(main())

"""Recordings replayed through the box: synthetic household waveforms in the formats that recorders write."""

import json
import math

import numpy as np
import pytest

from tools.replay.__main__ import main
from tools.replay.frequency import mains_hz
from tools.replay.playback import convert
from tools.replay.resample import LEAD_S, SCAN_HZ, to_scans

VOLTS_PER_COUNT = 400 / 32000
AMPS_PER_COUNT = 100 / 32000
OVERSAMPLING = 8  # and a mean over it: the recorder's own filter
KEYS = ["voltage_v", "current_a", "active_power_w", "power_factor", "frequency_hz"]


def pulse(angle, late, width):
    """Return a half cosine around each peak of the voltage: the charging current of a rectifier."""
    x = (angle % math.pi) - math.pi / 2 - late
    return np.where(np.abs(x) < width, np.sign(np.sin(angle)) * np.cos(x / width * math.pi / 2), 0.0)


LOADS = {
    "heater": np.sin,
    "motor": lambda a: np.sin(a - 1.0) + 0.05 * np.sin(3 * a),
    "capacitor": lambda a: np.sin(a + 1.0),
    "dimmer": lambda a: np.where(a % math.pi > math.pi / 2, np.sin(a), 0.0),
    "rectifier": lambda a: pulse(a, 0.0, 0.35),  # crest factor 3
    "charger": lambda a: pulse(a, 0.45, 0.2),  # crest factor 4, power factor 0.4
    "half_wave": lambda a: np.maximum(np.sin(a), 0.0),
}


def record(load, watts, rate, seconds, hz=50.0, volts=230.0, thd=0.08):
    """Return voltage and current of a household load on a distorted voltage, in V and A."""
    count = round(seconds * rate)
    angle = 2 * math.pi * hz * np.arange(count * OVERSAMPLING) / (rate * OVERSAMPLING) + 0.3
    voltage = np.sin(angle) + thd * (0.8 * np.sin(5 * angle) + 0.6 * np.sin(7 * angle))
    voltage *= volts * math.sqrt(2 / (1 + thd**2))
    voltage, current = (x.reshape(count, -1).mean(axis=1) for x in (voltage, LOADS[load](angle)))
    power = np.mean(voltage * (current - current.mean()))
    return voltage, current * watts / power


def write_words(path, voltage, current, order="iv"):
    """Write int16 pairs and return the values as they can be read back from them."""
    columns = [np.rint(voltage / VOLTS_PER_COUNT), np.rint(current / AMPS_PER_COUNT)]
    both = columns if order == "vi" else columns[::-1]
    np.stack(both, axis=1).astype("<i2").tofile(path)
    return columns[0] * VOLTS_PER_COUNT, columns[1] * AMPS_PER_COUNT


def replay(capsys, path, rate, *more, scales=(VOLTS_PER_COUNT, AMPS_PER_COUNT)):
    arguments = [str(path), "--rate", str(rate), "--volts-per-count", str(scales[0])]
    code = main([*arguments, "--amps-per-count", str(scales[1]), "--json", *more])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    result = json.loads(printed.out)
    assert list(result) == ["box", "raw"]
    assert list(result["box"]) == list(result["raw"]) == KEYS
    return result["box"], result["raw"], printed.err


def assert_alike(box, raw, current=0.015, hz=0.02):
    assert box["voltage_v"] == pytest.approx(raw["voltage_v"], rel=0.001)
    assert box["current_a"] == pytest.approx(raw["current_a"], rel=current)
    assert box["active_power_w"] == pytest.approx(raw["active_power_w"], rel=0.004)
    assert box["power_factor"] == pytest.approx(raw["power_factor"], abs=0.015)
    assert box["frequency_hz"] == pytest.approx(raw["frequency_hz"], abs=hz)


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("watts", [50, 2000])
def test_household_loads_read_as_numpy_reads_them(load, watts, tmp_path, capsys):
    path = tmp_path / "load.raw"
    voltage, current = write_words(path, *record(load, watts, 6400, 1.2))
    box, raw, warnings = replay(capsys, path, 6400)
    assert not warnings
    current = current - current.mean()
    assert raw["voltage_v"] == pytest.approx(math.sqrt(np.mean((voltage - voltage.mean()) ** 2)), rel=1e-6)
    assert raw["current_a"] == pytest.approx(math.sqrt(np.mean(current**2)), rel=1e-5)
    assert raw["active_power_w"] == pytest.approx(np.mean(voltage * current), rel=1e-5)
    assert raw["frequency_hz"] == pytest.approx(50.0, abs=1e-3)
    assert_alike(box, raw)


@pytest.mark.parametrize("rate", [1000, 2000, 3200, 4000, 10000, 12345.6, 16000, 44100, 100000])
def test_any_rate(rate, tmp_path, capsys):
    path = tmp_path / "load.raw"
    write_words(path, *record("rectifier", 120, rate, 1.1))
    box, raw, _ = replay(capsys, path, rate)
    assert_alike(box, raw)


@pytest.mark.parametrize("hz", [47.5, 49.93, 51.5, 60.0])
def test_other_mains_frequencies(hz, tmp_path, capsys):
    path = tmp_path / "load.raw"
    write_words(path, *record("motor", 300, 6400, 1.33, hz=hz))
    box, raw, _ = replay(capsys, path, 6400)
    assert raw["frequency_hz"] == pytest.approx(hz, abs=1e-3)
    assert_alike(box, raw)


@pytest.mark.parametrize("seconds", [0.045, 0.07, 0.25, 0.99])
def test_a_short_recording_is_repeated_in_whole_cycles(seconds, tmp_path, capsys):
    path = tmp_path / "load.raw"
    write_words(path, *record("rectifier", 120, 16000, seconds, hz=49.9))
    box, raw, _ = replay(capsys, path, 16000)
    assert raw["frequency_hz"] == pytest.approx(49.9, abs=0.01)
    assert raw["voltage_v"] == pytest.approx(230.0, rel=0.001)
    assert_alike(box, raw, hz=0.01)


def test_what_happens_only_once_is_counted_in_full(tmp_path, capsys):
    # 2 kW for the first third, then nothing: no settling time and no window's edge may hide any of it.
    voltage, current = record("heater", 2000, 6400, 1.5)
    current[len(current) // 3 :] = 0.0
    path = tmp_path / "load.raw"
    write_words(path, voltage, current)
    box, raw, _ = replay(capsys, path, 6400)
    assert raw["active_power_w"] == pytest.approx(2000 / 3, rel=0.01)
    assert_alike(box, raw)


@pytest.mark.parametrize("phase", ["1", "2", "3"])
def test_every_phase_and_both_orders(phase, tmp_path, capsys):
    path = tmp_path / "load.raw"
    write_words(path, *record("motor", 500, 4000, 1.0), order="vi")
    box, raw, _ = replay(capsys, path, 4000, "--phase", phase, "--order", "vi")
    assert raw["active_power_w"] == pytest.approx(500, rel=0.01)
    assert_alike(box, raw)


def test_export_is_negative(tmp_path, capsys):
    voltage, current = record("heater", 800, 6400, 1.0)
    path = tmp_path / "pv.raw"
    write_words(path, voltage, -current)
    box, raw, _ = replay(capsys, path, 6400)
    assert raw["active_power_w"] == pytest.approx(-800, rel=0.01)
    assert_alike(box, raw)


@pytest.mark.parametrize(
    ("name", "form", "header"),
    [
        ("load.csv", "%.5f,%.4f", "current,voltage\n"),
        ("load.csv", "%.5f, %.4f", ""),
        ("load.txt", "%.5f %.4f", "# recorder 3\n\n"),
        ("load.tsv", "%.5f\t%.4f", "\ufeffI / A\tU / V\n"),
        ("load.csv", '"%.5f";"%.4f"', "I;U\r\n"),
    ],
)
def test_csv_in_many_forms(name, form, header, tmp_path, capsys):
    voltage, current = record("rectifier", 200, 5000, 1.0)
    lines = [form % pair for pair in zip(current, voltage, strict=True)]
    if ";" in form:
        lines = [line.replace(".", ",") for line in lines]
    path = tmp_path / name
    path.write_text(header + "\n".join(lines) + "\n", encoding="utf-8")
    box, raw, _ = replay(capsys, path, 5000, scales=(1, 1))
    assert raw["active_power_w"] == pytest.approx(200, rel=0.01)
    assert_alike(box, raw)


def test_clipping_is_said(tmp_path, capsys):
    path = tmp_path / "load.raw"
    write_words(path, *record("heater", 1000, 6400, 1.0, volts=240.0))
    _, _, nothing = replay(capsys, path, 6400)
    _, raw, warnings = replay(capsys, path, 6400, scales=(1.4 * VOLTS_PER_COUNT, AMPS_PER_COUNT))
    assert nothing == ""
    assert "beyond the converter's 400 V" in warnings
    assert raw["voltage_v"] == pytest.approx(336, rel=0.01)


def test_without_voltage_there_is_no_frequency_and_nothing_else_is_wrong(tmp_path, capsys):
    path = tmp_path / "off.raw"
    np.zeros((6400, 2), "<i2").tofile(path)
    box, raw, warnings = replay(capsys, path, 6400)
    assert "no mains frequency" in warnings
    assert raw == dict.fromkeys(KEYS, 0.0)
    assert box["frequency_hz"] == 0.0
    assert box["power_factor"] == 0.0
    assert abs(box["active_power_w"]) < 0.2


def test_the_table_for_people(tmp_path, capsys):
    path = tmp_path / "load.raw"
    write_words(path, *record("heater", 1000, 6400, 0.2))
    scales = ["--volts-per-count", str(VOLTS_PER_COUNT), "--amps-per-count", str(AMPS_PER_COUNT)]
    assert main([str(path), "--rate", "6400", *scales]) == 0
    printed = capsys.readouterr().out
    assert "10 cycles" in printed
    for word in ("voltage", "current", "active power", "power factor", "frequency"):
        assert word in printed


REFUSED = [
    ("empty", b"", (), "is empty"),
    ("odd.raw", b"\xff" * 4002, (), "whole number of int16 pairs"),
    ("words.csv", b"current,voltage\n", (), "no numbers"),
    ("prose.txt", b"there is\nnothing here to count\n", (), "line 2"),
    ("broken.csv", b"1,2\n3,x\n", (), "line 2 is not two numbers: '3,x'"),
    ("three.csv", b"1,2,3\n4,5,6\n", (), "not two numbers"),
    ("nan.csv", b"1,2\nnan,3\n", (), "line 2"),
    ("binary.csv", b"\xff\xfe\x00", (), "neither CSV"),
    ("short.raw", bytes(range(200)), (), "too short"),
    ("one.csv", b"1,2\n", (), "too short"),
    ("rate.raw", bytes(4000), ("--rate", "0"), "--rate"),
    ("rate.raw", bytes(4000), ("--rate", "-6400"), "--rate"),
    ("rate.raw", bytes(4000), ("--rate", "nan"), "--rate"),
    ("rate.raw", bytes(4000), ("--rate", "fast"), "--rate"),
    ("scale.raw", bytes(4000), ("--volts-per-count", "0"), "--volts-per-count"),
    ("scale.raw", bytes(4000), ("--amps-per-count", "inf"), "--amps-per-count"),
    ("phase.raw", bytes(4000), ("--phase", "4"), "--phase"),
    ("phase.raw", bytes(4000), ("--phase", "0"), "--phase"),
    ("order.raw", bytes(4000), ("--order", "ui"), "--order"),
    ("noise.raw", bytes(4000), ("--noise-lsb", "-1"), "--noise-lsb"),
    ("other.raw", bytes(4000), ("--gain", "2"), "--gain"),
]


@pytest.mark.parametrize(("name", "content", "more", "reason"), REFUSED)
def test_bad_input_gets_one_clear_line(name, content, more, reason, tmp_path, capsys):
    path = tmp_path / name
    path.write_bytes(content)
    arguments = [str(path), "--rate", "6400", "--volts-per-count", "0.1", "--amps-per-count", "0.01", *more]
    assert _exit_code(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert reason in printed.err


def test_missing_files_and_options_get_one_clear_line(tmp_path, capsys):
    scales = ["--rate", "6400", "--volts-per-count", "0.1", "--amps-per-count", "0.01"]
    for arguments in ([str(tmp_path / "none.raw"), *scales], [str(tmp_path), *scales], ["x.raw"], scales):
        assert _exit_code(arguments) == 2
        assert capsys.readouterr().err.count("\n") == 1


def _exit_code(arguments):
    try:
        return main(arguments)
    except SystemExit as stop:
        return stop.code


def test_resampling_keeps_what_is_below_the_fold_and_removes_what_is_above():
    t = np.arange(30000) / 30000
    kept, removed = np.sin(2 * math.pi * 1450 * t), np.sin(2 * math.pi * 1750 * t)
    scans = to_scans(kept + removed, 30000)
    first = round(LEAD_S * SCAN_HZ)
    k = np.arange(first + 200, first + SCAN_HZ - 200)
    wanted = np.sin(2 * math.pi * 1450 * (k / SCAN_HZ - LEAD_S))
    assert np.abs(scans[k] - wanted).max() < 0.02
    assert np.abs(scans[: first - 100]).max() < 0.02


def test_converter_model():
    codes, clipped = convert(np.array([0.0, 100.0, -100.0, 99.99, 150.0, -150.0]), 100.0, 0.0, 0)
    assert codes.tolist() == [2048, 4095, 0, 4095, 4095, 0]
    assert clipped == 4  # +100 would be 4096, and 99.99 rounds to it
    again = [convert(np.zeros(1000), 100.0, 0.5, 1)[0].tolist() for _ in range(2)]
    assert again[0] == again[1]
    assert 0.4 < np.std(again[0]) < 0.8


def test_frequency_of_notched_noisy_and_drifting_voltages():
    rate = 16000
    t = np.arange(4 * rate) / rate
    voltage = 325 * np.sin(2 * math.pi * 50.123 * t)
    notched = np.where(t % 0.01 < 0.001, 0.0, voltage) + np.random.default_rng(1).normal(0, 10, len(t))
    assert mains_hz(notched, rate) == pytest.approx(50.123, abs=0.003)
    drifting = 325 * np.sin(2 * math.pi * (49.9 * t + 0.05 * t**2 / 2))
    assert mains_hz(drifting, rate) == pytest.approx(50.0, abs=0.002)
    assert mains_hz(np.random.default_rng(2).normal(0, 100, rate), rate) == 0.0

"""The bench's runs are sound and its failures are one line. How fast anything is, is no test."""

import sys

import pytest

from tools import bench, bench_simulation


@pytest.mark.parametrize(("level", "length_s"), [("sample", 7.0), ("phasor", 60.0)])
def test_a_run_goes_to_backup_and_back(level, length_s):
    assert bench_simulation.run(level, length_s, 3.0, 4.0) > 0


def test_a_run_that_is_not_what_it_should_be_is_no_figure():
    with pytest.raises(RuntimeError, match="not a sound run"):
        bench_simulation.run("phasor", 5.0, 3.0, 4.5)


def test_rows_show_median_and_span():
    rows = bench._rows("MicroPython", {"sample": [30.0, 20.4, 25.0]})
    assert rows[0].split() == ["sample", "MicroPython", "25", "20", "to", "30", "at", "least", "20"]


@pytest.mark.parametrize(
    "command", [["/no/such/interpreter"], [sys.executable, "-c", "raise SystemExit('no')"]]
)
def test_a_failing_interpreter_gets_one_line(command):
    with pytest.raises(bench.BenchError) as caught:
        bench.measure(command)
    assert "\n" not in str(caught.value)

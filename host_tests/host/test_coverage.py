"""The tests of the safety core, and those of the Modbus slave, reach every line and every branch of it."""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent.parent
TESTS = ("interlock", "contactor", "gate", "faults", "backup_side", "machine", "watch")
# The exhaustive searches are slow while they are traced; the examples reach every line as well.
OPTIONS = ("-p", "no:cacheprovider", "-k", "not every_combination and not finds_a_broken")
SLAVE_TESTS = ("modbus", "conformance", "sdm630", "registers")
SLAVE = tuple("firmware/publish/%s.py" % name for name in ("access", "modbus", "sdm630", "service"))
CORE = ("firmware/transfer/*", "firmware/supervise/watch.py", "firmware/supervise/faults.py")


def test_every_line_and_branch_of_the_safety_core_is_tested(tmp_path):
    measured = _reached(tmp_path, TESTS, CORE)
    expected = {str(path.relative_to(ROOT)) for path in (ROOT / "firmware/transfer").glob("*.py")}
    assert expected - {"firmware/transfer/__init__.py"} <= set(measured)


def test_every_line_and_branch_of_the_slave_is_tested(tmp_path):
    assert set(_reached(tmp_path, SLAVE_TESTS, SLAVE)) == set(SLAVE)


def _reached(tmp_path, tests, sources):
    """Assert that these unit tests reach all of these sources, and return what coverage says of each.

    Counts Python lines: viper functions run as Python here, the same text as on the board.
    """
    environment = dict(os.environ, COVERAGE_FILE=str(tmp_path / "coverage"))
    for name in [name for name in environment if name.startswith(("COV_CORE", "PYTEST"))]:
        del environment[name]

    def run(*arguments):
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    files = ["host_tests/unit/test_%s.py" % name for name in tests]
    run("coverage", "run", "--branch", "--include", ",".join(sources), "-m", "pytest", *OPTIONS, *files)
    report = tmp_path / "coverage.json"
    run("coverage", "json", "-o", str(report))
    measured = json.loads(report.read_text())["files"]
    missing = {
        path: (entry["missing_lines"], entry["missing_branches"])
        for path, entry in measured.items()
        if entry["missing_lines"] or entry["missing_branches"]
    }
    assert missing == {}, "not reached: lines, branches"
    return measured

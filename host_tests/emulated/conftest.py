"""The suite on the emulated chip: snapshots that tests begin from, and the tests in child processes.

A test that asks for one of the snapshots below runs in a child that is forked from it, and one that asks for
nothing in a child of its own, as many at once as there are processors: nothing that it does is seen by
another test. Beside a snapshot it can ask for its own parameters only. What it returns, a dictionary of
measured figures, is printed when the suite is over.
"""

import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from host_tests.emulated import boards
from tools.emulator import image, snapshots

try:
    image.find()
except image.ImageError:
    # One test stays, and is skipped with the reason.
    collect_ignore = [
        path.name for path in Path(__file__).parent.glob("test_*.py") if path.stem != "test_image"
    ]

NONE = ""  # of a test that makes its own machine

SNAPSHOTS: dict[str, Callable[[], Any]] = {
    NONE: lambda: None,
    "repl": boards.at_repl,
    "modules": boards.modules,
    "on_grid": boards.on_grid,
    "busy": boards.busy,
    "profiled": boards.profiled,
}


class Snapshots:
    """Makes each snapshot once, when the first test asks for it."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = SNAPSHOTS[name]()
        return self._made[name]

    def has(self, name: str) -> bool:
        """True when it need not be made first."""
        return name == NONE or name in self._made


class Children:
    """Runs the tests that come next beside the one that is asked for."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._waiting: list[pytest.Function] = []
        self._cases: dict[str, snapshots.Case] = {}
        self.figures: list[tuple[str, dict]] = []
        self.processor_s: dict[str, float] = {}

    def plan(self, items: list[pytest.Item]) -> None:
        """Take note of what will be asked for, in this order."""
        self._waiting = [item for item in items if isinstance(item, pytest.Function) and _in_child(item)]

    def outcome(self, item: pytest.Function) -> None:
        """Wait for a test's child. Raises CaseError when the test failed."""
        self._fill(item)
        case = self._cases.pop(item.nodeid)
        while not case.done:
            running = [other for other in (case, *self._cases.values()) if not other.done]
            for ready in select.select(running, [], [])[0]:
                ready.receive()
            self._fill(None)
        self.processor_s[item.nodeid] = case.processor_s
        figures = case.result()
        if figures:
            self.figures.append((item.name, figures))

    def _fill(self, needed: pytest.Function | None) -> None:
        """Start tests in their order, the needed one in any case."""
        limit = os.cpu_count() or 1
        while self._waiting:
            running = sum(not case.done for case in self._cases.values())
            following = self._waiting[0]
            wanted = needed is not None and needed.nodeid not in self._cases
            same = needed is None or _snapshot_of(following) == _snapshot_of(needed)
            if not wanted and (running >= limit or not same or needed is None and not self._ready(following)):
                return
            self._start(self._waiting.pop(0))

    def _ready(self, item: pytest.Function) -> bool:
        """True when no snapshot has to be made for it, which would hold up everything."""
        return self._snapshots.has(_snapshot_of(item))

    def _start(self, item: pytest.Function) -> None:
        name = _snapshot_of(item)
        arguments = _parameters(item)
        box = self._snapshots[name]
        if name != NONE:
            arguments[name] = box
        self._cases[item.nodeid] = snapshots.start(_run, item.obj, arguments, box)

    def kill(self) -> None:
        """End what still runs."""
        for case in self._cases.values():
            case.kill()


def _run(test: Callable[..., Any], arguments: dict[str, Any], box: Any) -> Any:
    try:
        return test(**arguments)
    except Exception as error:
        if box is not None:
            error.add_note(f"at {box.machine.now_s:.6f} emulated seconds; {box.machine.console_end()}")
        raise


def _parameters(item: pytest.Function) -> dict[str, Any]:
    return dict(item.callspec.params) if hasattr(item, "callspec") else {}


def _snapshot_of(item: pytest.Function) -> str:
    return next((name for name in SNAPSHOTS if name in item.fixturenames), NONE)


def _in_child(item: pytest.Function) -> bool:
    """False when it needs a fixture of pytest, which is of this process."""
    return set(item.fixturenames) <= {"request", *SNAPSHOTS, *_parameters(item)}


_SNAPSHOTS = Snapshots()
_CHILDREN = Children(_SNAPSHOTS)


def pytest_collection_finish(session: pytest.Session) -> None:
    _CHILDREN.plan(session.items)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not _in_child(pyfuncitem):
        return None
    try:
        _CHILDREN.outcome(pyfuncitem)
    except snapshots.CaseError as error:
        pytest.fail(str(error), pytrace=False)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """For `--durations`: what the child has used of a processor, not how long it was waited for."""
    report = yield
    if call.when == "call":
        report.duration = _CHILDREN.processor_s.get(item.nodeid, report.duration)
    return report


def pytest_sessionfinish() -> None:
    _CHILDREN.kill()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for name, figures in _CHILDREN.figures:
        text = ", ".join(f"{what} {value}" for what, value in figures.items())
        terminalreporter.write_line(f"{name}: {text}")


@pytest.fixture
def repl() -> Iterator[Any]:
    """A Pico with an empty file system at its prompt: `repl.machine`."""
    yield _SNAPSHOTS["repl"]


@pytest.fixture
def modules() -> Iterator[Any]:
    """A Pico with the box's modules loaded, at its prompt: `machine`, `rings`, `depth`."""
    yield _SNAPSHOTS["modules"]


@pytest.fixture
def busy() -> Iterator[Any]:
    """As `on_grid`, with a `main.py` that can be made busy from the console (tools/bench_chip/on_board)."""
    yield _SNAPSHOTS["busy"]


@pytest.fixture
def profiled() -> Iterator[Any]:
    """As `busy`, with all four profiles on and at 115200 baud."""
    yield _SNAPSHOTS["profiled"]


@pytest.fixture
def on_grid() -> Iterator[Any]:
    """The box 1 s after it has joined the house to the grid (tools.emulator.box.Box)."""
    yield _SNAPSHOTS["on_grid"]

"""Cases that begin where another run has brought the machine: each in a child process, made by fork.

Booting the box and waiting until it has closed the grid costs seconds of emulated time. Do it once; then
every case gets its own copy of the whole machine, as it stood, at the price of a fork.
"""

import contextlib
import os
import pickle
import select
import signal
import traceback
from collections.abc import Callable, Iterable
from typing import Any


class CaseError(AssertionError):
    """A case raised an exception in its child; the text is the child's traceback."""


class Case:
    """A case under way. `result()` waits for it."""

    def __init__(self, function: Callable[..., Any], arguments: tuple) -> None:
        self.processor_s = 0.0  # that the child has used, known when it has ended
        self._outcome: tuple[bool, Any] | None = None
        read_end, write_end = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(read_end)
            _child(write_end, function, arguments)
        os.close(write_end)
        self._pipe = read_end
        self._received = bytearray()

    def fileno(self) -> int:
        """The pipe, for select."""
        return self._pipe

    @property
    def done(self) -> bool:
        """True when the child has ended."""
        return self._outcome is not None

    def receive(self) -> None:
        """Take what the child has sent; waits when there is nothing."""
        if self.done:
            return
        chunk = os.read(self._pipe, 1 << 16)
        if chunk:
            self._received += chunk
            return
        os.close(self._pipe)
        _pid, status, usage = os.wait4(self._pid, 0)
        self.processor_s = usage.ru_utime + usage.ru_stime
        if self._received:
            self._outcome = pickle.loads(bytes(self._received))
        else:
            code = os.waitstatus_to_exitcode(status)
            self._outcome = (False, f"the child ended without a word (exit code {code})")

    def result(self) -> Any:
        """Wait for the child and return what the case returned. Raises CaseError."""
        while not self.done:
            self.receive()
        assert self._outcome is not None
        good, content = self._outcome
        if not good:
            raise CaseError(content)
        return content

    def kill(self) -> None:
        """End the child, whatever it does."""
        if not self.done:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            while not self.done:
                self.receive()


def _child(pipe: int, function: Callable[..., Any], arguments: tuple) -> None:
    """Run the case and send its outcome; never returns into the parent's code."""
    code = 0
    try:
        try:
            content = pickle.dumps((True, function(*arguments)))
        except BaseException:
            content = pickle.dumps((False, traceback.format_exc()))
        with os.fdopen(pipe, "wb") as file:
            file.write(content)
    except BaseException:
        code = 1
    finally:
        os._exit(code)


def start(function: Callable[..., Any], *arguments: Any) -> Case:
    """Begin `function(*arguments)` in a child that has everything as it is now."""
    return Case(function, arguments)


def run(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what `function(*arguments)` returns in a child; here nothing changes. Raises CaseError."""
    return start(function, *arguments).result()


def run_each(function: Callable[..., Any], cases: Iterable[tuple], at_once: int | None = None) -> list[Any]:
    """Run `function(*case)` for each case, as many at once as there are processors; return the results.

    In the order of the cases. Raises CaseError for the first that failed, when all have ended.
    """
    limit = at_once or os.cpu_count() or 1
    waiting = list(cases)
    waiting.reverse()
    running: list[Case] = []
    started: list[Case] = []
    try:
        while waiting or running:
            while waiting and len(running) < limit:
                case = start(function, *waiting.pop())
                running.append(case)
                started.append(case)
            for ready in select.select(running, [], [])[0]:
                ready.receive()
            running = [case for case in running if not case.done]
    finally:
        for case in running:
            case.kill()
    return [case.result() for case in started]

"""The USB console of an emulated board as a serial port, so that what talks to a real one can talk to it."""

import contextlib
import os
import pty
import select
import threading
import time
import tty
from collections.abc import Callable
from typing import Any

from tools.emulator.machine import Machine

_SLICE_S = 0.001  # emulated time between two looks at the port


class SerialPort:
    """A context manager: inside it the board runs in a thread of its own, and `path` is its serial port.

    Emulated time never runs faster than real time: a chip that only waits for its console would else
    be at its watchdog's end at once. Whoever wants something of the machine meanwhile uses `call`.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._calls: list[tuple[Callable[[], Any], list[Any], threading.Event]] = []
        self._waiting = b""
        self._ended = threading.Event()
        self._failure: BaseException | None = None

    def __enter__(self) -> "SerialPort":
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._machine.console.on_output.append(self._from_board)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        self._thread.join()
        self._machine.console.on_output.remove(self._from_board)
        os.close(self._master)
        os.close(self._slave)
        if self._failure is not None:
            raise self._failure

    def call(self, action: Callable[[], Any]) -> Any:
        """Return what `action()` returns, called between two steps of the board."""
        result: list[Any] = []
        done = threading.Event()
        self._calls.append((action, result, done))
        while not done.wait(0.05):
            if not self._thread.is_alive():
                raise RuntimeError("the emulated board has ended") from self._failure
        return result[0]

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                self._turn()
        except BaseException as error:  # raised again where the thread is joined
            self._failure = error

    def _turn(self) -> None:
        start = time.monotonic()
        while self._calls:
            action, result, done = self._calls.pop(0)
            result.append(action())
            done.set()
        self._machine.run(_SLICE_S)
        ahead = _SLICE_S - (time.monotonic() - start)
        writers = [self._master] if self._waiting else []
        readable, writable, _ = select.select([self._master], writers, [], max(0.0, ahead))
        if readable:
            with contextlib.suppress(OSError):  # nobody has the port open
                self._machine.console.write(os.read(self._master, 4096))
        if writable:
            self._flush()

    def _from_board(self, content: bytes) -> None:
        self._waiting += content
        self._flush()

    def _flush(self) -> None:
        with contextlib.suppress(BlockingIOError):  # a full port: the rest goes with a later turn
            self._waiting = self._waiting[os.write(self._master, self._waiting) :]

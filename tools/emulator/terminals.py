"""Pseudo-terminals: programs that know serial ports find the emulated board's console and RS485 line.

Emulated time runs at its own speed, so a program's timeouts must be longer than for a board.
"""

import contextlib
import os
import select
import tty
from pathlib import Path

from tools.emulator.devices.rs485 import Rs485Line
from tools.emulator.machine import Machine

POLL_NS = 1e6
_GATHER_S = 0.01  # a request comes in pieces, but is one frame on the line


class Terminal:
    """A pseudo-terminal with a link at a fixed path; `close` removes the link."""

    def __init__(self, link: Path) -> None:
        self._master, self._slave = os.openpty()  # an open slave lets clients come and go
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.link = link
        link.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            link.unlink()
        link.symlink_to(os.ttyname(self._slave))

    def read(self) -> bytes:
        """Return what a client has written."""
        try:
            return os.read(self._master, 4096)
        except BlockingIOError:
            return b""

    def read_frame(self) -> bytes:
        """Return what a client has written, with what follows without a pause."""
        content = self.read()
        while content and select.select([self._master], [], [], _GATHER_S)[0]:
            content += self.read()
        return content

    def write(self, content: bytes) -> None:
        """Send to the client; what nobody reads is dropped, as on a wire."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._master, content)

    def close(self) -> None:
        """Close both ends."""
        with contextlib.suppress(FileNotFoundError):
            self.link.unlink()
        os.close(self._master)
        os.close(self._slave)


def connect_console(machine: Machine, terminal: Terminal) -> None:
    """Join the board's USB console and a terminal, both ways."""
    machine.console.on_output.append(terminal.write)

    def poll() -> None:
        if machine.console.port.unsent < 4096 and machine.console.connected_ns is not None:
            content = terminal.read()
            if content:
                machine.console.write(content)
        alarm.schedule(POLL_NS)

    alarm = machine.alarm(poll)
    alarm.schedule(POLL_NS)


def connect_line(machine: Machine, line: Rs485Line, terminal: Terminal) -> None:
    """Join the RS485 line and a terminal: what the client writes at once goes out as one frame."""
    line.on_bytes = terminal.write

    def poll() -> None:
        content = terminal.read_frame()
        if content:
            line.send(content)
        alarm.schedule(POLL_NS)

    alarm = machine.alarm(poll)
    alarm.schedule(POLL_NS)

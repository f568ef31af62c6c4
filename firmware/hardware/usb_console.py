"""The USB console, read and written without ever waiting for it.

A terminal that is open but does not read fills the 256 bytes of the USB stack, and then `print` waits
for half a second. So text is queued here and written one character at a time, each after asking
whether there is room; what does not fit into the queue is dropped.
"""

import select
import sys

import micropython
from micropython import const

_CTRL_C = "\x03"
_ROOM = const(2048)
_A_TURN = const(4)  # characters written in one turn of the loop


class UsbConsole:
    """Standard input and output of the chip."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN | select.POLLOUT)
        self._lines: list = []
        self._queued = 0
        self._at = 0
        self._typed = ""
        self.dropped = 0  # lines

    def take_interrupts(self) -> None:
        """From here on Ctrl-C is a typed character, and `step` raises KeyboardInterrupt for it.

        Left to the interpreter it could be raised inside the sampling interrupt, which would swallow it and
        never run again. The prompt takes Ctrl-C as ever.
        """
        micropython.kbd_intr(-1)  # type: ignore[attr-defined]  # the checker sees CPython's

    def write(self, line: str) -> None:
        """Queue a line; dropped when too many wait."""
        if self._queued + len(line) > _ROOM:
            self.dropped += 1
            return
        self._lines.append(line + "\n")
        self._queued += len(line) + 1

    def step(self) -> str | None:
        """Write a few characters; return a line that was typed, None while there is none."""
        for _ in range(_A_TURN):
            ready = self._ready()
            if ready & select.POLLIN:
                line = self._take(sys.stdin.read(1))
                if line is not None:
                    return line
            if self._lines and ready & select.POLLOUT:
                self._put()
            elif not ready & select.POLLIN:
                return None
        return None

    def _ready(self) -> int:
        for entry in self._poll.ipoll(0):  # type: ignore[attr-defined]  # the checker sees CPython's
            return entry[1]
        return 0

    def _put(self) -> None:
        line = self._lines[0]
        sys.stdout.write(line[self._at])
        self._at += 1
        self._queued -= 1
        if self._at == len(line):
            self._at = 0
            del self._lines[0]

    def _take(self, character: str) -> str | None:
        if character == _CTRL_C:
            raise KeyboardInterrupt
        if character not in "\r\n":
            if len(self._typed) < 40:
                self._typed += character
            return None
        line, self._typed = self._typed, ""
        return line.strip() or None

"""Compare the box's Modbus slave with micropython-modbus on this machine: `python -m tools.bench_modbus`.

Both run on unix MicroPython at a pseudo-terminal each, one after the other in several rounds, and are
asked the same by the same master. This machine is no Pico: the ratios mean something, not the times.
"""

import contextlib
import os
import pty
import select
import statistics
import subprocess
import sys
import time
import tty
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tools import micropython_host
from tools.bench_chip import fetch, table
from tools.bench_chip.turnaround import STREAMS, Stream
from tools.emulator.master import framed

SCRIPT = "tools/bench_modbus_slave.py"
_ROUNDS = 3
_TIMED = 100  # requests of each kind a round
_COUNTED = 10
_SILENCE_S = 0.00175  # t3.5 above 19200 baud: the slave's part of the gap begins after it
_PATIENCE_S = 10.0  # for a slave to start, and for a reply


class SlaveError(RuntimeError):
    """A slave did not answer as it should; the text says what it did."""


@dataclass
class Figures:
    """Of one slave and one kind of request."""

    gaps_us: list[float] = field(default_factory=list)  # request to reply without t3.5, median by round
    rates: list[float] = field(default_factory=list)  # requests a second, one after the other, by round
    calls_us: list[int] = field(default_factory=list)  # median of the calls that answer, by round
    allocated: float = 0.0  # bytes a request
    heap: int = 0  # bytes that the slave takes


class Slave:
    """A slave in a process of its own; a context manager."""

    def __init__(self, command: Sequence[str], which: str, folder: str = "") -> None:
        # The line stays open on this side too: nothing is lost before the slave opens it.
        self._master, self._line = pty.openpty()
        tty.setraw(self._line)
        try:
            self._process = subprocess.Popen(
                [*command, SCRIPT, which, os.ttyname(self._line), folder],
                cwd=micropython_host.ROOT,
                env=micropython_host.environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                bufsize=1,
            )
        except OSError as error:
            self._hang_up()
            raise SlaveError(f"it cannot be started: {error}") from None

    def __enter__(self) -> "Slave":
        try:
            self._wait_for("ready")
        except SlaveError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with contextlib.suppress(BrokenPipeError):  # what it was told and never read
                    stream.close()
        self._hang_up()

    def _hang_up(self) -> None:
        os.close(self._master)
        os.close(self._line)

    def _wait_for(self, start: str) -> str:
        said: list[str] = []
        assert self._process.stdout
        while True:
            if not select.select([self._process.stdout], [], [], _PATIENCE_S)[0]:
                raise SlaveError(f"silent for {_PATIENCE_S:g} s: {said[-1:]}")
            line = self._process.stdout.readline()
            if line.startswith(start):
                return line
            if not line:
                raise SlaveError(f"it ended: {''.join(said[-3:]).strip()}")
            said.append(line)

    def tell(self, what: str) -> None:
        """Have it time its calls, or count their memory."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it has ended: that is what is found next
            self._process.stdin.write(what + "\n")
        self._wait_for("ready")

    def figures(self) -> list[int]:
        """End it; return what it has measured."""
        assert self._process.stdin
        self._process.stdin.close()
        return [int(word) for word in self._wait_for("figures").split()[1:]]

    def ask(self, stream: Stream) -> float:
        """Ask once; return the seconds from the request's end to the first byte of the reply."""
        start = time.perf_counter()
        os.write(self._master, stream.request)
        reply = b""
        began = 0.0
        length = 8 if stream.request[1] == 16 else 5 + 2 * stream.count
        while len(reply) < length:
            if not select.select([self._master], [], [], _PATIENCE_S)[0]:
                raise SlaveError(f"no whole reply to {stream.name}: {reply.hex()}")
            began = began or time.perf_counter()
            reply += os.read(self._master, 256)
        right = reply[:6] == stream.request[:6] if length == 8 else reply[2] == 2 * stream.count
        if reply[:2] != stream.request[:2] or not right or framed(reply[:-2]) != reply:
            raise SlaveError(f"not the reply to {stream.name}: {reply.hex()}")
        return began - start


def measure(command: Sequence[str], which: str, stream: Stream, folder: str, into: Figures) -> None:
    """Add a round to the figures. Raises SlaveError."""
    with Slave(command, which, folder) as slave:
        slave.ask(stream)
        slave.tell("time")
        gaps_s = []
        start = time.perf_counter()
        for _ in range(_TIMED):
            gaps_s.append(slave.ask(stream))
            time.sleep(_SILENCE_S)  # what a master leaves between a reply and its next request
        into.rates.append(_TIMED / (time.perf_counter() - start))
        into.gaps_us.append((statistics.median(gaps_s) - _SILENCE_S) * 1e6)
        slave.tell("count")
        for _ in range(_COUNTED):
            slave.ask(stream)
            time.sleep(_SILENCE_S)
        call_us, served, allocated, into.heap = slave.figures()
    if served != _COUNTED:
        raise SlaveError(f"{served} of {_COUNTED} requests were counted")
    into.calls_us.append(call_us)
    into.allocated = allocated / served


def rows(stream: Stream, box: Figures, peer: Figures | None) -> Iterator[table.Row]:
    """Yield the lines of a kind of request; the last column is by how much the box is better.

    The best round counts: in the others something else ran on this machine.
    """

    def row(
        what: str, form: str, ours: float, theirs: float | None, more_is_better: bool = False
    ) -> table.Row:
        if theirs is None:
            return table.Row(f"{stream.name}: {what}", form % ours)
        better, worse = (ours, theirs) if more_is_better else (theirs, ours)
        ratio = f"{better / worse:.1f}" if worse else "-"
        return table.Row(f"{stream.name}: {what}", form % ours, form % theirs, ratio)

    def of(pick):  # type: ignore[no-untyped-def]
        return pick(box), pick(peer) if peer else None

    yield row("request to reply, median", "%.0f us", *of(lambda f: min(f.gaps_us)))
    ours, theirs = of(lambda f: max(f.rates))
    yield row("requests a second", "%.0f", ours, theirs, more_is_better=True)
    yield row("call that answers, median", "%.0f us", *of(lambda f: min(f.calls_us)))
    yield row("bytes allocated a request", "%.0f", *of(lambda f: f.allocated))


def main() -> int:
    """Print the table."""
    command = micropython_host.find()
    if not command:
        print("Modbus beside its peer: skipped, there is no MicroPython for this machine")
        return 0
    interpreter = [command, "-X", "heapsize=4m"]
    folder = missing = ""
    try:
        folder = str(fetch.fetch().parent)
    except fetch.PeerError as error:
        missing = str(error)
    sides = ("box", "peer") if folder else ("box",)
    found = {(which, stream.name): Figures() for which in sides for stream in STREAMS}
    try:
        for _ in range(_ROUNDS):
            for stream in STREAMS:
                for which in sides:
                    measure(interpreter, which, stream, folder, found[which, stream.name])
    except SlaveError as error:
        print(f"bench_modbus: {error}", file=sys.stderr)
        return 1
    lines: list[table.Row] = []
    for stream in STREAMS:
        lines += rows(stream, found["box", stream.name], found.get(("peer", stream.name)))
    heaps = [found[which, STREAMS[0].name].heap for which in sides]
    ratio = f"{heaps[1] / heaps[0]:.1f}" if folder else ""
    theirs = table.kb(heaps[1]) if folder else ""
    lines.append(table.Row("heap, 64-bit", table.kb(heaps[0]), theirs, ratio))
    print("Modbus slaves on unix MicroPython at a pseudo-terminal, from t3.5 after the request:\n")
    print("\n".join(table.lines(lines, "times better")))
    print(f"\nPeer: {fetch.NAME} {fetch.VERSION}" + (f": skipped, {missing}" if missing else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())

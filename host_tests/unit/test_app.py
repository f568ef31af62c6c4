"""The loop and its ends: whatever happens, the coils are off afterwards and the reason is told."""

from firmware import app
from firmware.hardware.board import BoardError
from firmware.store import crash_log
from tools.simulator.board import MemoryStorage, SimBoard
from tools.simulator.line import Line
from tools.simulator.plant import Plant


class TurningBoard(SimBoard):
    """Delivers a block and 2.5 ms at every turn, and ends the loop by an exception after `turns`."""

    def __init__(self, turns, error):
        self.plant = Plant(lambda t_ms, fields: None)
        SimBoard.__init__(self, self.plant, MemoryStorage(), Line(), self._coil, True)
        self.turns = turns
        self.error = error
        self.was_closed = False
        self.t_us = 0

    def _coil(self, name, on):
        self.was_closed = self.was_closed or on

    def ticks_us(self):
        self.turns -= 1
        if self.turns < 0:
            raise self.error
        ring = self.sampler.ring
        base = self.sampler.number % ring.depth * 64
        for row in range(8):
            self.plant.advance(self.t_us / 1000 + row * 0.3125)
            self.plant.fill(ring.a, ring.b, base, row, row + 1)
        self.sampler.finish_block()
        self.t_us += 2500
        self.port.now_us = self.t_us
        return self.t_us


class Terminal:
    """A terminal: the lines written to it, and some to be typed, one a turn."""

    def __init__(self, typed=()):
        self.lines = []
        self.typed = list(typed)

    def take_interrupts(self):
        self.lines.append("(Ctrl-C is mine)")

    def write(self, line):
        self.lines.append(line)

    def step(self):
        return self.typed.pop(0) if self.typed else None


class Restarts:
    """What the chip remembers of its restarts, and what was done to it."""

    def __init__(self, count=0, now=False):
        self.count = count
        self.now = now
        self.calls = []

    def running(self):
        self.calls.append("running")

    def clear(self):
        self.calls.append("clear")
        self.count = 0

    def stop_watchdog(self):
        self.calls.append("stop_watchdog")


class Console:
    """Takes the place of print and of sys while the loop runs, and keeps what they were told."""

    platform = app.sys.platform
    implementation = app.sys.implementation

    def __init__(self):
        self.lines = []
        self.errors = []

    def write(self, *words):
        self.lines.append(" ".join([str(word) for word in words]))

    def print_exception(self, error):
        self.errors.append(error)


def run(board):
    """Run the loop to its end; return what it told the console."""
    console = Console()
    system = app.sys
    app.print, app.sys = console.write, console
    try:
        app.loop(board)
    finally:
        del app.print
        app.sys = system
    return console


def test_ctrl_c_opens_the_coils():
    board = TurningBoard(1000, KeyboardInterrupt())
    console = run(board)
    assert board.was_closed and board.coils.mask == 0
    assert console.lines[-1].startswith("backup box: stopped at the console, coils off")
    assert not console.errors


def test_a_crash_opens_the_coils_and_says_why():
    board = TurningBoard(1000, ZeroDivisionError("on purpose"))
    console = run(board)
    assert board.was_closed and board.coils.mask == 0
    assert board.watchdog.fed > 10
    assert "coils off" in console.lines[-1] and console.errors == [board.error]
    assert crash_log.read(board.storage) == "ZeroDivisionError: on purpose"
    assert board.display.lines[0].strip() == "CRASHED, COILS OFF"
    assert board.display.lines[1] == "ZeroDivisionError: o" and board.display.lines[2].strip() == "n purpose"


def test_a_crash_while_building_opens_the_coils():
    board = TurningBoard(10, ZeroDivisionError("on purpose"))
    board.coils.write(1, 0)
    board.inputs = None
    console = run(board)
    assert board.coils.mask == 0 and len(console.errors) == 1


def test_the_watchdog_starves_when_no_blocks_come():
    board = TurningBoard(3000, KeyboardInterrupt())
    board.sampler.finish_block = lambda: None
    run(board)
    assert board.watchdog.fed <= 11, "a second of patience"


def test_a_host_is_no_board():
    try:
        app.find_board()
    except BoardError as error:
        assert "MicroPython" in str(error) or "make run" in str(error)
    else:
        raise AssertionError("a host was taken for a board")


def test_ctrl_c_stops_sampling_and_the_watchdog():
    board = TurningBoard(1000, KeyboardInterrupt())
    board.restarts = Restarts()
    run(board)
    assert board.restarts.calls == ["running", "stop_watchdog"]
    number = board.sampler.number
    board.sampler.finish_block()  # goes nowhere, and trips nothing
    assert board.sampler.number == number + 1 and board.coils.mask == 0


def test_a_crash_leaves_the_watchdog_running():
    board = TurningBoard(1000, ZeroDivisionError("on purpose"))
    board.restarts = Restarts()
    run(board)
    assert board.restarts.calls == ["running"]


def test_ten_minutes_without_a_crash_are_enough():
    board = TurningBoard(10, KeyboardInterrupt())
    board.restarts = Restarts(2, True)
    board.console = Terminal()
    run(board)
    assert "clear" not in board.restarts.calls
    assert [line for line in board.console.lines if "restarted_by_watchdog times=2" in line]
    board = TurningBoard(300, KeyboardInterrupt())
    board.restarts = Restarts(2, True)
    step_us = board.ticks_us
    board.ticks_us = lambda: step_us() * 1000 & 0x3FFFFFFF  # 2.5 s a turn
    run(board)
    assert "clear" in board.restarts.calls


def test_events_go_to_the_terminal_and_commands_are_answered():
    board = TurningBoard(1000, KeyboardInterrupt())
    board.console = Terminal(["help", "status", "log", "play 1", "dance"])
    run(board)
    text = "\n".join(board.console.lines)
    assert "0.000 start " in text and "state=grid" in text
    assert "status          what the box does and why" in text
    assert "coils none; faults none; warnings" in text
    assert "this board measures a real grid: there is nothing to play" in text
    assert "there is no command dance; help lists what there is" in text


def test_the_log_tells_of_crashes_before():
    board = TurningBoard(10, KeyboardInterrupt())
    crash_log.add(board.storage, "MemoryError: no room")
    board.console = Terminal(["log"])
    run(board)
    at = board.console.lines.index("crashes:")
    assert board.console.lines[at + 1 : at + 3] == ["MemoryError: no room", "events:"]


def test_the_bench_plays():
    board = TurningBoard(20, KeyboardInterrupt())
    board.synthetic = True
    played = []
    board.sampler.play = played.append
    board.console = Terminal(["play 2", "play", "play x"])
    run(board)
    assert played == [2]
    assert board.console.lines.count("play needs a number from 0 to 6") == 2

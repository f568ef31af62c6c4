"""The loop and its ends: whatever happens, the coils are off afterwards and the reason is told."""

from firmware import app
from firmware.hardware.board import BoardError
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
    assert console.lines[-1] == "backup box: stopped at the console" and not console.errors


def test_a_crash_opens_the_coils_and_says_why():
    board = TurningBoard(1000, ZeroDivisionError("on purpose"))
    console = run(board)
    assert board.was_closed and board.coils.mask == 0
    assert board.watchdog.fed > 10
    assert "coils off" in console.lines[-1] and console.errors == [board.error]


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


def test_events_are_printed_as_one_line():
    printed = []
    app.print = lambda *words: printed.append(" ".join(words))
    try:
        app._print_event((1500, "state", {"state": "grid"}))
    finally:
        del app.print
    assert printed == ["     1.500 state state=grid"]

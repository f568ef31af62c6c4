"""What may wait a few milliseconds: readings, registers, display, flash, watchdog, memory; piece by piece.

The loop must look at the line every millisecond. So whatever takes longer is cut into pieces, and a turn does
as many as fit into its time.
"""

from micropython import const

from firmware import ticks
from firmware.collector import Collector
from firmware.publish.pages import Pages
from firmware.signals import TO_BACKUP, TO_GRID
from firmware.supervise.health import Health

_PIECES_US = const(2500)  # no further piece is begun after this; the line is looked at after each
_MORE_PIECES_US = const(4000)  # where profiles have to be renewed too
_SHOW_MS = const(10)
_STATUS_MS = const(80)  # state, coils and faults are renewed this often
_CHORES_MS = const(100)
_SETTLED_MS = const(500)  # in a state that lasts
_SWITCHING_MS = const(3000)  # in one that should not; later it waits for something outside


class Upkeep:
    """Does the small work of a box, turn by turn."""

    def __init__(self, box, board) -> None:
        self._box = box
        self._board = board
        self._front = box.front_end
        self._meter = box.meter
        self._slave = box.slave
        self._registers = box.slave.registers
        self._profiles = box.profiles
        self._pages = Pages(box) if board.display is not None else None
        self._collector = Collector(board.collect)
        self._health = Health(1 if board.sampler is None else 2)
        self._busy = True  # there may be a piece to do
        self._steps: tuple = (self._step_status, self._profiles.step)
        if self._pages is not None:
            self._steps += (self._pages.step,)
        self._next = 0  # of these
        self._blocks = -1
        self._windows = box.meter.count  # that have been looked at
        self._show_ms = 0
        self._status_ms = 0
        self._chores_ms = 0

    def step(self, replied: bool, now_us: int, dt_ms: int) -> None:
        """Do some of it. `replied`: this turn, whose upkeep begins at `now_us`, has started a reply."""
        if replied and self._collector.step(True, self._settled(), 0):
            return
        self._show_ms += dt_ms
        if self._show_ms >= _SHOW_MS:
            self._pass_time(self._show_ms)
            self._show_ms = 0
            if self._slave.step(self._board.ticks_us()):
                self._collector.step(True, self._settled(), 0)
                return
        if self._front.blocks != self._blocks:
            self._blocks = self._front.blocks
            self._busy = True
        limit_us = _MORE_PIECES_US if self._profiles.on else _PIECES_US
        while self._busy:
            self._busy = self._piece()
            later_us = self._board.ticks_us()
            if self._slave.step(later_us):
                self._collector.step(True, self._settled(), 0)
                return
            if ticks.diff(later_us, now_us) >= limit_us:
                return

    def _piece(self) -> bool:
        """Do one piece of what waits; False when nothing does.

        What comes at its own rate stands first, readings before the registers that show them. The others take
        turns: each begins anew before the last one is done when there is much to do, and would never let
        the next one in.
        """
        if self._meter.follow():
            return True
        if self._meter.step():
            if self._meter.count != self._windows:
                self._windows = self._meter.count
                self._box.judge_channels()
                self._registers.renew_meters()
                self._profiles.renew()
            return True
        if self._registers.step_meters():
            self._registers.step_meters()  # a row alone costs less than going round for it
            return True
        steps = self._steps
        for _ in steps:
            self._next = (self._next + 1) % len(steps)
            if steps[self._next]():
                return True
        return False

    def _step_status(self) -> bool:
        """Renew two rows, as above."""
        registers = self._registers
        return registers.step_status() and (registers.step_status() or True)

    def tidy(self) -> None:
        """Much memory has been used: collect right after the reply."""
        self._collector.hasten()

    def _pass_time(self, dt_ms: int) -> None:
        """See what has become due, every few milliseconds."""
        self._busy = True
        board = self._board
        if self._pages is not None:
            self._pages.turn(board.inputs.page_key(), dt_ms)
            board.display.show(self._pages.lines)  # again and again: a display writes little at once
        self._status_ms += dt_ms
        if self._status_ms >= _STATUS_MS:
            self._status_ms = 0
            self._registers.renew_status()
        self._chores_ms += dt_ms
        if self._chores_ms >= _CHORES_MS:
            self._chores(self._chores_ms)
            self._chores_ms = 0

    def _chores(self, dt_ms: int) -> None:
        box = self._box
        if self._health.step((box.slave.polls, box.front_end.blocks), dt_ms):
            self._board.watchdog.feed()
        settled = self._settled()
        box.find_warnings()
        box.keep(settled and not box.slave.sending, dt_ms)
        self._collector.step(False, settled, dt_ms)

    def _settled(self) -> bool:
        """Return whether nothing is being switched."""
        box = self._box
        limit_ms = _SWITCHING_MS if box.state in (TO_BACKUP, TO_GRID) else _SETTLED_MS
        return box.state_ms >= limit_ms

"""The loop around the firmware: scenario, plant, board and box, block by block or phasor by phasor."""

from micropython import const

from firmware.acquire.layout import BLOCK_WORDS, SCANS
from firmware.box import Box
from firmware.publish.registers import SOC
from firmware.ticks import PERIOD
from tools.simulator.board import MemoryStorage, SimBoard
from tools.simulator.line import Line, write_single
from tools.simulator.phasors import PhasorFrontEnd
from tools.simulator.plant import SCAN_MS, Plant

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

BLOCK_MS = 2.5
BOOT_MS = 500.0  # from reset to the first turn of the loop
SOC_EVERY_MS = 1000.0
# Phasor level: short steps while something moves, long ones while nothing does.
SHORT_MS = 10.0
LONG_MS = 200.0
_SETTLED_MS = 1500.0

FIRMWARE_EVENTS = ("start", "state", "grid", "shed", "fault", "settings", "store", "remark")


class Simulation:
    """`steps` as scenario.py returns them; `emit(fields)` gets every event, with `t_ms` first.

    `disturb(plant, ring, base, t_ms)`, where given, may alter each block's samples after they are
    made. `ticks_us` is where the board's counter starts: near its wrap, unless a test wants it elsewhere.
    """

    def __init__(self, steps=(), level: str = "sample", emit=None, seed: int = 1, ticks_us: int = -2000000):
        self.events: list = []
        self._emit = emit or self.events.append
        self._steps = list(steps)
        self.sampled = level == "sample"
        self.plant = Plant(self._plant_event, seed)
        self.line = Line()
        self.storage = MemoryStorage()
        self.disturb: Callable | None = None
        self.front_end: Any = None
        self.t_ms = 0.0
        self._ticks_us = ticks_us
        self._soc_at_ms = 0.0
        self._boot_at_ms = 0.0
        self._busy_until_ms = 0.0
        self.master_refused = 0
        self._apply_due()  # steps at 0 are the plant's state from the beginning
        self.box: Box
        self.restart(boot_ms=0.0)

    # -- the box -------------------------------------------------------------------------------------

    def restart(self, boot_ms: float = BOOT_MS) -> None:
        """Reset the box: coils off, nothing survives but what is stored."""
        self.plant.command(0)
        if getattr(self, "board", None) is not None:
            self.board.coils.write(0, self.board.coils.trips)
        self._boot_at_ms = self.t_ms + boot_ms
        self._box_runs = False
        self._stir()
        if boot_ms == 0.0:
            self._boot()

    def _boot(self) -> None:
        self.board = SimBoard(self.plant, self.storage, self.line, self._coil_event, self.sampled)
        self.front_end = None if self.sampled else PhasorFrontEnd()
        self.box = Box(self.board, self.front_end)
        if self.sampled:
            self.board.sampler.start(self.box.front_end.on_block)
        for t_ms, name, fields in self.box.log.entries:
            self._firmware_event((t_ms, name, fields))
        self.box.log.listener = self._firmware_event
        self._box_runs = True

    def now_us(self) -> int:
        """Return the board's ticks."""
        return (self._ticks_us + int(self.t_ms * 1000)) % PERIOD

    # -- events --------------------------------------------------------------------------------------

    def _event(self, t_ms: float, fields: dict) -> None:
        event = {"t_ms": round(t_ms, 4)}
        event.update(fields)
        self._stir()
        self._emit(event)

    def _plant_event(self, t_ms: float, fields: dict) -> None:
        self._event(t_ms, fields)

    def _coil_event(self, name: str, on: bool) -> None:
        self._event(self.t_ms, {"event": "coil", "name": name, "on": on})

    def _firmware_event(self, event: tuple) -> None:
        fields = {"event": event[1]}
        fields.update(event[2])
        self._event(self.t_ms, fields)

    def _stir(self) -> None:
        self._busy_until_ms = self.t_ms + _SETTLED_MS

    def note(self, text: str) -> None:
        """Report something that happened around the simulation."""
        self._event(self.t_ms, {"event": "plant", "note": text})

    # -- time ----------------------------------------------------------------------------------------

    def run_until(self, t_ms: float) -> None:
        """Run up to `t_ms` (in whole steps)."""
        while self.t_ms < t_ms - 1e-6:
            self.step(t_ms)

    def step(self, until_ms: float = 1e18) -> None:
        """Run one block, or at phasor level one step, not much past `until_ms`."""
        if self.sampled:
            self._sample_block()
        else:
            self._phasor_step(until_ms)
        if not self._box_runs and self.t_ms >= self._boot_at_ms:
            self._boot()
        now_us = self.now_us()
        reply = self.line.step(now_us)
        if reply and reply[1] & 0x80:
            self.master_refused += 1
        if self._box_runs:
            self._tell_soc()
            self.box.step(now_us)

    def _sample_block(self) -> None:
        plant, ring = self.plant, self.board.sampler.ring
        base = self.board.sampler.number % ring.depth * BLOCK_WORDS
        start_ms = self.t_ms
        row = 0
        while row < SCANS:
            # The first scan at or after the next event sees it.
            self.t_ms = start_ms + row * SCAN_MS
            self._apply_due()
            self._move_plant(self.t_ms)
            next_ms = min(plant.next_ms(), self._next_step_ms())
            last = row + 1
            while last < SCANS and start_ms + last * SCAN_MS < next_ms:
                last += 1
            plant.fill(ring.a, ring.b, base, row, last)
            row = last
        if self.disturb is not None:
            self.disturb(plant, ring, base, start_ms)
        self.t_ms = start_ms + BLOCK_MS
        self._apply_due(inclusive=False)
        self._move_plant(self.t_ms)
        if self._box_runs:
            self.board.sampler.finish_block()

    def _move_plant(self, t_ms: float) -> None:
        plant = self.plant
        while plant.next_ms() < t_ms:
            plant.advance(max(plant.next_ms(), plant.t_ms))
        plant.advance(t_ms)

    def _phasor_step(self, until_ms: float) -> None:
        length_ms = SHORT_MS if self.t_ms < self._busy_until_ms else LONG_MS
        if self._busy_until_ms == self.t_ms + _SETTLED_MS:
            length_ms = BLOCK_MS  # something has changed right now
        t_ms = min(self.t_ms + length_ms, self._next_step_ms(), max(until_ms, self.t_ms + 1.0))
        t_ms = max(t_ms, self.t_ms)
        dt_ms = t_ms - self.t_ms
        self._move_plant(t_ms)
        self.t_ms = t_ms
        if self._box_runs:
            self.front_end.feed(self.plant, dt_ms)  # the time that has passed, with what was then
        self._apply_due()

    # -- scenario and built-in master ------------------------------------------------------------------

    def _next_step_ms(self) -> float:
        return self._steps[0]["at_s"] * 1000 if self._steps else 1e18

    def _apply_due(self, inclusive: bool = True) -> None:
        while self._steps:
            at_ms = self._next_step_ms()
            if at_ms > self.t_ms or (at_ms == self.t_ms and not inclusive):
                return
            self.apply(self._steps.pop(0), at_ms)

    def apply(self, step: dict, at_ms: float = -1.0) -> None:
        """Carry out a scenario step now; `at_ms` is the time it is reported with."""
        keys = {key: step[key] for key in step if key not in ("at_s", "restart")}
        self._event(at_ms if at_ms >= 0 else self.t_ms, dict({"event": "plant"}, **keys))
        self.plant.set(keys)
        if step.get("restart"):
            self.restart()

    def add_step(self, step: dict) -> None:
        """Insert a step into the rest of the scenario."""
        self._steps.append(step)
        self._steps.sort(key=lambda entry: entry["at_s"])

    def press_page_key(self) -> None:
        """Press and release the key for the next display page."""
        for pressed in (True, False):
            self.board.inputs.page_pressed = pressed
            self.step()

    def _tell_soc(self) -> None:
        if self.plant.soc_silent or self.t_ms < self._soc_at_ms:
            return
        unit = self.box.settings["unit_address"]
        if self.line.ask(write_single(unit, SOC, int(self.plant.soc))):
            self._soc_at_ms = self.t_ms + SOC_EVERY_MS

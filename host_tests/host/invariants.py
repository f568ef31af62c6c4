"""A referee beside a simulation: what must hold at every moment, whatever the scenario does.

It looks at the plant (true voltages, main contacts, faults), at the coils, and at what the box publishes,
never at how the box decides. Times are simulated milliseconds.
"""

from firmware.publish.register_map import HOLDING, INPUT
from firmware.publish.registers import HOLDING_BLOCKS, INPUT_BLOCKS
from firmware.signals import BACKUP, FAULT_LOCKED_SHIFT, FAULT_SETTINGS, GRID, K_GRID, Q_ALL, TO_GRID
from tools.simulator.simulation import Simulation
from tools.units import InUnits

DEAD_TIME_MS = 50.0  # its default, which no scenario changes
LIVE_V = 0.45 * 230.0
DEAD_V = 50.0
LEVEL_MS = 30.0  # the levels look back 15 ms, and the box turns every 2.5 or 10 ms
OPENS_BY_MS = 400.0  # a bad grid: 100 ms to confirm, 40 ms of measuring, 200 ms of long phasor steps
STRAY_A, STRAY_BY_MS = 2.5, 3000.0
# Back to the grid: wait after a failed switching 10 s, qualification 2 s, opening, dead time, closing.
RETURN_MS = 15000.0
DELAY_MS = 310000.0
TRANSFER_WINDOW_MS = 600000.0
# To backup, its own delay not counted: wait after a failure 10 s, start 3 s, dead time, stagger.
SUPPLY_MS = 16000.0
_READ_EVERY = 199  # steps between two looks at all registers


class BrokenError(AssertionError):
    """An invariant does not hold."""


class Lasting:
    """Since when a condition holds without a break."""

    def __init__(self) -> None:
        self._since_ms = float("inf")

    def update(self, holds: bool, t_ms: float) -> float:
        """Return how long it has held, -inf when it does not."""
        self._since_ms = min(self._since_ms, t_ms) if holds else float("inf")
        return t_ms - self._since_ms


class Referee:
    """Runs a simulation of `steps` and raises `BrokenError` as soon as an invariant does not hold."""

    def __init__(self, steps, level: str) -> None:
        self.events: list = []
        self.story: list = []
        self.hidden_joins = 0
        self._coil_since: dict = {}  # name: time of its last off, None while on
        self._conducted_ms: dict = {}  # name: when its contacts last conducted and said so
        self._transfers: list = []
        self._shed = 0  # phases that load management has dropped
        self._delay_ms = 0.0  # the longest delay of the backup output so far
        self._count = 0
        self._lasting: dict = {}
        self.simulation: Simulation = None  # type: ignore[assignment]
        self.simulation = Simulation(steps, level, self._note)
        self._box = self.simulation.box

    # -- running -----------------------------------------------------------------------------------

    def run_until(self, t_ms: float) -> None:
        """Run up to `t_ms` and look after every step."""
        while self.simulation.t_ms < t_ms - 1e-6:
            self._step(t_ms)

    def apply(self, step: dict) -> None:
        """Carry out a scenario step now."""
        self.story.append("%.4f s %s" % (self.simulation.t_ms / 1000, step))
        self.simulation.apply(step)

    def ask(self, frame: bytes, patience_ms: float = 1500.0) -> bytes:
        """Send a request as a master on the line does; return the reply, empty while the box is away."""
        self.story.append("%.4f s the master sends %s" % (self.simulation.t_ms / 1000, frame.hex()))
        line = self.simulation.line
        line.take()
        line.now_us = self.simulation.now_us()
        line.feed(frame)
        until_ms = self.simulation.t_ms + patience_ms
        while self.simulation.t_ms < until_ms:
            self._step(until_ms)
            reply = line.take()
            if reply:
                return reply
        return b""

    def _step(self, until_ms: float) -> None:
        box = self.simulation.box
        known = (box.settings, box.battery.soc, box.battery.age_s())
        self.simulation.step(until_ms)
        if self.simulation.box is not self._box:  # restarted
            self._box = self.simulation.box
            self._lasting = {}
            self._transfers = []
            self._shed = 0
            known = (self._box.settings, -1, 65535)
        if self._box.settings is known[0]:  # else they changed before or after the coils were decided on
            self._check_coils(*known)
        self._check_bus()
        self._check_supply()
        self._count += 1
        if self._count % _READ_EVERY == 0:
            self.read_registers()

    def read_registers(self) -> None:
        """Read everything there is."""
        registers = self.simulation.box.slave.registers
        for table, blocks in ((INPUT, INPUT_BLOCKS), (HOLDING, HOLDING_BLOCKS)):
            for first, last in blocks:
                buffer = bytearray(2 * (last - first + 1))
                self._require(registers.read(table, first, last - first + 1, buffer, 0) == 0, "unreadable")

    def _require(self, holds, text: str) -> None:
        if not holds:
            story = "".join("\n  " + line for line in self.story)
            raise BrokenError("at %.4f s: %s; what was done:%s" % (self.simulation.t_ms / 1000, text, story))

    def _lasts(self, name, holds) -> float:
        return self._lasting.setdefault(name, Lasting()).update(bool(holds), self.simulation.t_ms)

    # -- what happens at once ------------------------------------------------------------------------

    def _note(self, event: dict) -> None:
        self.events.append(event)
        kind = event["event"]
        if kind == "coil":
            self._coil_switched(event["name"], event["on"], event["t_ms"])
        elif kind == "state" and event["state"] in ("grid", "backup"):
            self._transfers.append(event["t_ms"])
        elif kind == "shed":
            bit = 1 << event["phase"] - 1
            self._shed = self._shed & ~bit if event["supplied"] else self._shed | bit
        elif "hazard" in event:
            self._joined()

    def _coil_switched(self, name: str, on: bool, t_ms: float) -> None:
        self._coil_since[name] = None if on else t_ms
        if not on:
            return
        side = [other for other in self._coil_since if (other == "K_GRID") != (name == "K_GRID")]
        for other in side:
            off_ms = self._coil_since[other]
            self._require(off_ms is not None, "%s on while %s is on" % (name, other))
            self._require(
                t_ms - off_ms >= DEAD_TIME_MS, "%s on %g ms after %s" % (name, t_ms - off_ms, other)
            )
        for other in self.simulation.plant.contactors:
            if (other.name == "grid") != (name == "K_GRID"):
                apart_ms = t_ms - self._conducted_ms.get(other.name, -DEAD_TIME_MS)
                self._require(apart_ms >= DEAD_TIME_MS, "%s on, %s opened just now" % (name, other.name))
        # Whatever the feedback says: nothing is closed onto a bus that has been live for long enough to
        # be seen, but by the contactor that is welded itself. So even a hidden weld joins two sides only
        # while one of them is dead.
        number = 0 if name == "K_GRID" else int(name[-1])
        if not self.simulation.plant.contactors[number].main:
            for phase in range(3) if number == 0 else [number - 1]:
                live_ms = self._lasts(("live", phase), self.simulation.plant.load_volts(phase) >= DEAD_V)
                self._require(live_ms <= LEVEL_MS, "%s closes onto a live L%d" % (name, phase + 1))

    def _joined(self) -> None:
        """Grid and backup output have met: only by a contactor whose feedback lies can they."""
        lying = [c.name for c in self.simulation.plant.contactors if c.main and not c.not_open]
        self._require(lying, "grid and backup output joined, as every feedback shows")
        self.hidden_joins += 1

    # -- what holds at every step --------------------------------------------------------------------

    def _check_coils(self, settings: dict, soc: int, soc_age_s: int) -> None:
        """`settings` and the rest are what the box knew before the step."""
        simulation = self.simulation
        box, plant, coils = simulation.box, simulation.plant, simulation.board.coils.mask
        self._require(not (coils & K_GRID and coils & Q_ALL), "coils %d on together" % coils)
        self._require(not coils & K_GRID or box.state in (GRID, TO_GRID), "K_GRID on in state %d" % box.state)
        self._require(not coils & Q_ALL or box.state == BACKUP, "coils %d in state %d" % (coils, box.state))
        self._require(not coils or (plant.switch_auto and not plant.bypass), "coils on, switched off")
        locked = box.faults >> FAULT_LOCKED_SHIFT & 15
        self._require(not coils & locked, "coils %d on, locked %d" % (coils, locked))
        phases = coils >> 1
        self._require(not phases & ~settings["backup_phases"], "phases %d not fed by backup" % phases)
        self._require(not phases & self._shed, "phases %d on, shed %d" % (phases, self._shed))
        if settings["load_management_enable"] and soc_age_s < settings["soc_stale_s"]:
            for phase in range(3):
                limit = settings["soc_min_l%d" % (phase + 1)]
                self._require(
                    not phases >> phase & 1 or soc >= limit,
                    "Q_L%d on at %d %%, limit %d %%" % (phase + 1, soc, limit),
                )

    def _check_bus(self) -> None:
        simulation = self.simulation
        box, plant, coils = simulation.box, simulation.plant, simulation.board.coils.mask
        volts = [plant.grid_volts(n) for n in range(3)]
        for phase in range(3):
            self._lasts(("live", phase), plant.load_volts(phase) >= DEAD_V)
        for contactor in plant.contactors:
            if contactor.main and contactor.not_open:
                self._conducted_ms[contactor.name] = simulation.t_ms
        bad = min(volts) < 182.0 or max(volts) > 267.0 or not 47.4 < plant.grid_hz < 51.6
        bad_ms = self._lasts("bad", bad)
        self._require(not coils & K_GRID or bad_ms < OPENS_BY_MS, "K_GRID on, grid bad for %g ms" % bad_ms)
        stray = plant.joined and not coils & K_GRID and max(InUnits(box.readings).i) > STRAY_A
        self._require(self._lasts("stray", stray) < STRAY_BY_MS, "grid current, and still joined")

    def _check_supply(self) -> None:
        """A sound source that sound contactors can reach does reach the house within a bound."""
        plant, faults = self.simulation.plant, self.simulation.box.faults
        on = plant.switch_auto and not plant.bypass and not faults & FAULT_SETTINGS
        locked = faults >> FAULT_LOCKED_SHIFT
        lit = [plant.load_volts(n) >= LIVE_V for n in range(3)]
        reachable = on and _grid_sound(plant) and _grid_reachable(plant) and not locked & K_GRID
        dark_ms = min(self._lasts("grid", reachable), self._lasts("off_grid", not _on_grid(plant)))
        self._require(dark_ms < self._return_ms(), "grid sound, not used for %g s" % (dark_ms / 1000))
        self._delay_ms = max(self._delay_ms, plant.backup_delay_s * 1000)
        fed = self.simulation.box.settings["backup_phases"]
        usable = on and all(196.0 <= plant.backup_v[n] <= 252.5 for n in range(3) if fed >> n & 1)
        for phase in range(3):
            served = self.served & ~(locked >> 1) & 1 << phase
            reachable_ms = self._lasts(
                ("backup", phase), usable and served and _backup_reachable(plant, phase)
            )
            dark_ms = min(reachable_ms, self._lasts(("dark", phase), not lit[phase]))
            bound_ms = SUPPLY_MS + self._delay_ms
            self._require(dark_ms < bound_ms, "L%d dark for %g s" % (phase + 1, dark_ms / 1000))

    @property
    def served(self) -> int:
        """Phases that backup may feed: fed by its output and not dropped by load management."""
        return self.simulation.box.settings["backup_phases"] & ~self._shed

    def _return_ms(self) -> float:
        """How long the return to a sound grid may take: with the delay by DIP 4 or after many transfers."""
        since_ms = self.simulation.t_ms - TRANSFER_WINDOW_MS - DELAY_MS - RETURN_MS
        recent = [t_ms for t_ms in self._transfers if t_ms > since_ms]
        return RETURN_MS + (DELAY_MS if self.simulation.box.dip & 8 or len(recent) > 5 else 0.0)


def _grid_sound(plant) -> bool:
    lags = [(plant.grid_deg[n] - plant.grid_deg[n + 1]) % 360 for n in range(2)]
    return (
        all(196.0 <= plant.grid_volts(n) <= 252.5 for n in range(3))
        and 47.62 <= plant.grid_hz <= 51.38
        and all(100 < lag < 140 for lag in lags)
    )


def _on_grid(plant) -> bool:
    return plant.contactors[0].main and all(plant.load_volts(n) >= LIVE_V for n in range(3))


def _grid_reachable(plant) -> bool:
    """K_GRID can close, and every Q shows truly that it is open. A stuck Q is open."""
    backup = plant.contactors[1:]
    return not plant.contactors[0].stuck and not any(c.weld or c.aux or c.hidden_weld for c in backup)


def _backup_reachable(plant, phase: int) -> bool:
    """The phase's own Q is sound, and K_GRID shows truly that it is open. A stuck K_GRID is open.

    Not with any weld that its feedback hides: the voltage it leaves on a phase reads as a live bus, and
    onto that nothing is closed. The box may then be dark on sound phases, too.
    """
    grid, own = plant.contactors[0], plant.contactors[phase + 1]
    lies = any(c.hidden_weld for c in plant.contactors)
    return not (grid.weld or grid.aux or lies) and not (own.weld or own.stuck or own.aux)

"""The simulator's plant at the pins of the emulated board: coils in, contacts, switches and voltages out.

It moves in emulated time: whenever a coil changes, when a contactor arrives, with every scan of the
converters, and at the steps of its schedule. Each channel is converted at its own instant, as two
MCP3208 do it (the host simulation converts the eight slots of a scan at once).
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from tools import cpython

cpython.install()  # the plant is portable code and imports the firmware's layout

from firmware.acquire.layout import MID_CODE, TOP_CODE  # noqa: E402
from firmware.hardware import board_pico  # noqa: E402
from firmware.signals import COIL_NAMES  # noqa: E402
from tools.emulator.machine import Machine  # noqa: E402
from tools.simulator import plant as simulated  # noqa: E402
from tools.simulator.waveform import AMP_ONE, TURN  # noqa: E402

COILS = ("coil_k_grid", "coil_q_l1", "coil_q_l2", "coil_q_l3")
MIRRORS = ("mirror_k_grid", "mirror_q_l1", "mirror_q_l2", "mirror_q_l3")
DIPS = ("dip_1", "dip_2", "dip_3", "dip_4")
# What the inputs of a bare Pico measure, as (slot, converter) of the reference front end.
ADC_PLACES = ((0, 0), (0, 1), (6, 0))
_ROOT_2 = math.sqrt(2.0)


class CoilEdge(NamedTuple):
    """A coil was switched."""

    t_ns: float
    name: str  # as in signals.COIL_NAMES
    on: bool


class _Wave(NamedTuple):
    """One sine of a channel: its angle in 1/2^32 of a turn, beside the grid's or the backup's."""

    angle: int
    backup: bool
    amplitude: int
    table: Any


class _Plant(simulated.Plant):
    """The plant, asked for single channels at any instant instead of for whole blocks."""

    def __init__(self, report: Callable[[float, dict], None], seed: int) -> None:
        super().__init__(report, seed)
        self._seen = -1
        self._waves: list[list[list[_Wave]]] = [[[] for _slot in range(8)] for _chip in range(2)]
        self._grain = 0

    def code(self, chip: int, slot: int, late_ms: float) -> int:
        """Return what the converter reads `late_ms` after the instant that the plant was advanced to."""
        if self._seen != self.version:
            self._seen = self.version
            self._form()
        total = 0
        for wave in self._waves[chip][slot]:
            hz, base = (
                (self.backup_hz, self._backup_angle) if wave.backup else (self.grid_hz, self._grid_angle)
            )
            angle = base + wave.angle + int(late_ms / 1000 * hz * TURN)
            value = wave.table[(angle >> 18) & 16383]
            total += (value - 65536 if value > 32767 else value) * wave.amplitude
        noise = 0
        if self.noise.lsb:
            self._grain = (self._grain + 1) & 4095
            noise = self.noise.words[self._grain]
            if noise > 32767:
                noise -= 65536
        return max(0, min(TOP_CODE, (MID_CODE * AMP_ONE + AMP_ONE // 2 + noise + (total >> 14)) >> 8))

    def _form(self) -> None:
        """Form all waves anew; the same relations as in the simulator's `fill`."""
        volt = _ROOT_2 * simulated._COUNTS_PER_V * AMP_ONE
        ampere = _ROOT_2 * simulated._COUNTS_PER_A * AMP_ONE
        joined = self.contactors[0].main
        places = simulated._PLACES
        for phase in range(3):
            grid = int(self.grid_deg[phase] / 360 * TURN)
            other = -phase * TURN // 3
            from_backup = self._bus_from_backup[phase]
            bus, table = (other, self._sine) if from_backup else (grid, self._grid_table)
            load, lag, pv = self.currents(phase)
            late = bus - int(lag / (2 * math.pi) * TURN)

            def put(what: int, *waves: _Wave, phase: int = phase) -> None:
                slot, chip = places[what][phase]
                self._waves[chip][slot] = [wave for wave in waves if wave.amplitude]

            put(simulated.V, _Wave(grid, False, int(self.grid_v[phase] * volt), self._grid_table))
            put(simulated.U, _Wave(bus, from_backup, int(self._bus_v[phase] * volt), table))
            put(simulated.B, _Wave(other, True, int(self.backup_volts(phase) * volt), self._sine))
            put(simulated.PV, _Wave(bus, from_backup, int(pv * ampere), table))
            if joined:
                against = _Wave(bus + TURN // 2, from_backup, int(pv * ampere), table)
                put(simulated.A, _Wave(late, from_backup, int(load * ampere), table), against)
            else:
                put(simulated.A)


class PlantAtPins:
    """The plant; `schedule` and `set` take the keys of a scenario's step (tools/simulator/scenario.py).

    `source` is for `Mcp3208Pair`, `adc_source` for `AdcInputs`.
    """

    def __init__(self, pin_map: Any = board_pico, seed: int = 1) -> None:
        self.plant = _Plant(self._reported, seed)
        self.events: list[dict] = []  # what the plant reports, with t_ms, and every step that was set
        self.coil_edges: list[CoilEdge] = []
        self.on_event: list[Callable[[dict], None]] = []
        self.disturb: Callable[[float, int, int, int], int] | None = None  # (t_ns, chip, slot, code) -> code
        self._pins = dict(pin_map.PINS)
        self._coils = 0
        self._scan_ms = -1.0

    def attach(self, machine: Machine) -> None:
        """Connect to the pins."""
        self._machine = machine
        self._alarm = machine.alarm(self._arrived)
        for number, name in enumerate(COILS):
            if name in self._pins:
                machine.on_edge(self._pins[name], self._coil_listener(number))
        self.page_key(False)
        self._show()

    # -- what a test or a person does --------------------------------------------------------------------

    def set(self, **step: Any) -> None:
        """Change the plant now: `set(grid_v=[0, 0, 0])`, `set(fault="weld_grid")`, `set(switch="off")`."""
        self._move()
        self._note({"event": "plant", **step})
        self.plant.set(step)
        self._moved()

    def schedule(self, at_s: float, **step: Any) -> None:
        """Change the plant at an emulated time since power-on."""
        self._machine.at(at_s * 1e9, lambda: self.set(**step))

    def after(self, seconds: float, **step: Any) -> None:
        """Change the plant that much later than now."""
        self.schedule(self._machine.now_s + seconds, **step)

    def page_key(self, pressed: bool) -> None:
        """Press or release the key for the next page."""
        if "page_key" in self._pins:
            self._machine.drive(self._pins["page_key"], not pressed)

    def edges_of(self, name: str, on: bool, since_ns: float = 0.0) -> list[float]:
        """Return when a coil was switched on (or off), in ns."""
        return [
            edge.t_ns
            for edge in self.coil_edges
            if edge.name == name and edge.on == on and edge.t_ns >= since_ns
        ]

    @property
    def coils(self) -> int:
        """The coils that the board energises now, as in signals."""
        return self._coils

    # -- what the converters see -------------------------------------------------------------------------

    def source(self, channel: int, t_ns: float) -> tuple[int, int]:
        """Return the codes of both converters; a scan begins with channel 0."""
        plant = self.plant
        if channel == 0 or self._scan_ms != plant.t_ms:
            self._move()
            self._scan_ms = plant.t_ms
        late_ms = t_ns / 1e6 - plant.t_ms
        codes = plant.code(0, channel, late_ms), plant.code(1, channel, late_ms)
        if self.disturb is not None:
            disturb = self.disturb
            codes = disturb(t_ns, 0, channel, codes[0]), disturb(t_ns, 1, channel, codes[1])
        return codes

    def adc_source(self, channel: int, t_ns: float) -> int:
        """Return the code of an input of the chip's own converter, wired as on a bare Pico."""
        if channel >= len(ADC_PLACES):
            return 0
        slot, chip = ADC_PLACES[channel]
        self._move()
        return self.plant.code(chip, slot, t_ns / 1e6 - self.plant.t_ms)

    # -- movement ----------------------------------------------------------------------------------------

    def _coil_listener(self, number: int) -> Callable[[float, "bool | None"], None]:
        def changed(t_ns: float, level: bool | None) -> None:
            on = level is True  # a pin that nobody drives is pulled down
            if on == bool(self._coils >> number & 1):
                return
            self._move()
            self._coils ^= 1 << number
            self.coil_edges.append(CoilEdge(t_ns, COIL_NAMES[number], on))
            self._note({"event": "coil", "name": COIL_NAMES[number], "on": on})
            self.plant.command(self._coils)
            self._moved()

        return changed

    def _move(self) -> None:
        """Bring the plant to now, by way of everything that happened meanwhile."""
        plant, now_ms = self.plant, self._machine.now_ns / 1e6
        while plant.next_ms() < now_ms:
            plant.advance(max(plant.t_ms, plant.next_ms()))
        if now_ms > plant.t_ms:
            plant.advance(now_ms)

    def _moved(self) -> None:
        self._show()
        next_ms = self.plant.next_ms()
        if next_ms < simulated.INF:
            self._alarm.schedule(max(8.0, next_ms * 1e6 - self._machine.now_ns + 1.0))

    def _arrived(self) -> None:
        self._move()
        self._moved()

    def _show(self) -> None:
        """Drive the inputs: contacts and switches pull to ground while closed."""
        mask = self.plant.inputs()
        levels = {name: bool(mask >> bit & 1) for bit, name in enumerate(MIRRORS)}
        levels["switch_auto"] = not mask & 16
        levels["switch_bypass"] = bool(mask & 32)
        levels.update({name: not mask >> (8 + bit) & 1 for bit, name in enumerate(DIPS)})
        for name in levels:
            if name in self._pins and self._machine.pad(self._pins[name]).external != levels[name]:
                self._machine.drive(self._pins[name], levels[name])

    def _reported(self, t_ms: float, fields: dict) -> None:
        self._note(fields, t_ms)

    def _note(self, fields: dict, t_ms: float = -1.0) -> None:
        event = {"t_ms": round(t_ms if t_ms >= 0 else self._machine.now_ns / 1e6, 4), **fields}
        self.events.append(event)
        for listener in self.on_event:
            listener(event)

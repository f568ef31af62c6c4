"""The plant: grid, storage system, loads, PV and contactors, at sample level and at phasor level.

Portable Python, no firmware inside but the block layout and the coil bits. Times are milliseconds since
the start as floats; 312.5 us, the time of a scan, is exact in binary.
"""

import math
from array import array

from firmware.acquire.calibration import FULL_SCALE_A, FULL_SCALE_V
from tools.simulator.switchgear import KINDS, NAMES, SimContactor
from tools.simulator.waveform import AMP_ONE, TURN, Noise, synthesize, table

NOMINAL_V = 230.0
SCAN_MS = 0.3125
_COUNTS_PER_V = 2048 / FULL_SCALE_V
_COUNTS_PER_A = 2048 / FULL_SCALE_A
# Motors and filters hold the separated load bus up for a moment.
BUS_DECAY_MS = 15.0
_BUS_GONE_V = 0.5
_LOST_V = 0.8 * NOMINAL_V  # below this the storage system takes the grid for lost
INF = float("inf")

V, U, B, A, PV = 0, 1, 2, 3, 4
# Slot and converter (0 A, 1 B) of every channel of the front end, by quantity and phase.
_PLACES = (
    ((0, 0), (1, 0), (2, 0)),
    ((3, 0), (4, 0), (5, 0)),
    ((6, 0), (7, 0), (6, 1)),
    ((0, 1), (1, 1), (2, 1)),
    ((3, 1), (4, 1), (5, 1)),
)


class Plant:
    """Set it with `set`, move it with `advance` and `fill`, or with `advance` and read it as phasors.

    `report(t_ms, fields)` gets what happens by itself: contactors, the backup output, and as a hazard
    whenever grid and backup output are joined.
    """

    def __init__(self, report, seed: int = 1) -> None:
        self._report = report
        self.version = 0  # counts changes: while it stands still, so do all phasors
        self.t_ms = 0.0
        self.grid_v = [NOMINAL_V] * 3
        self.grid_hz = 50.0
        self.grid_deg = [0.0, -120.0, 120.0]
        self.load_w = [1000.0, 800.0, 600.0]
        self.load_pf = [1.0] * 3
        self.pv_w = [0.0] * 3
        self.backup_v = [NOMINAL_V] * 3
        self.backup_hz = 50.0
        self.backup_delay_s = 0.3
        self.soc = 80
        self.soc_silent = False
        self.switch_auto = True
        self.bypass = False
        self.dip = 0
        self.contactors = [SimContactor(name, self._contact_changed) for name in NAMES]
        self.backup_always = False  # a storage system that feeds its backup output beside a sound grid too
        self.backup_on = False
        self.joined = False
        self.hazards = 0
        self._backup_at = INF
        self._grid_angle = 0  # fractions of a turn, 32 bits
        self._backup_angle = 0
        self._bus_v = [0.0] * 3  # what is left on a separated phase
        self._bus_from_backup = [False] * 3
        self.noise = Noise(seed)
        self._sine = table({})
        self._grid_table = self._sine
        self._harmonics: dict = {}
        self._rms_factor = 1.0
        self._one = array("i", [0] * 4)
        self._two = array("i", [0] * 4)

    # -- settings ------------------------------------------------------------------------------------

    def set(self, step: dict) -> None:
        """Apply the plant's keys of a scenario step (scenario.py checks them)."""
        self.version += 1
        for key in step:
            value = step[key]
            if key in ("grid_v", "grid_deg"):
                setattr(self, key, [float(x) for x in value])
            elif key in ("load_w", "pv_w"):
                setattr(self, key, _per_phase(value, 3))
            elif key in ("load_pf", "backup_v"):
                setattr(self, key, _per_phase(value, 1))
            elif key == "harmonics":
                self.set_harmonics(value)
            elif key == "noise_lsb":
                self.noise.set_level(float(value))
            elif key in ("grid_hz", "backup_hz", "backup_delay_s"):
                setattr(self, key, float(value))
            elif key in ("soc", "soc_silent", "bypass"):
                setattr(self, key, value)
            elif key == "switch":
                self.switch_auto = value == "auto"
            elif key == "dip":
                self.dip = sum(1 << n for n in range(4) if value[n])
            elif key == "fault":
                self.set_fault(value)
            else:
                raise ValueError("the plant has no " + key)

    def set_harmonics(self, harmonics: dict) -> None:
        """Set the grid's harmonics, `{order: part of the fundamental}`, all in phase at its zero crossing."""
        if harmonics == self._harmonics:
            return
        self._harmonics = dict(harmonics)
        self._grid_table = table(harmonics) if harmonics else self._sine
        self._rms_factor = math.sqrt(1.0 + sum(part * part for part in harmonics.values()))

    def set_fault(self, fault: str) -> None:
        """Make a contactor fail (`weld_grid`, `stuck_q2`, `aux_q1`, ...), or repair all with "none"."""
        if fault == "none":
            for contactor in self.contactors:
                contactor.set_fault("none", self.t_ms)
            return
        kind, _, name = fault.rpartition("_")
        if kind not in KINDS or name not in NAMES:
            raise ValueError("there is no fault " + fault)
        self.contactors[NAMES.index(name)].set_fault(kind, self.t_ms)

    def command(self, coils: int) -> None:
        """Energise exactly the coils of the mask."""
        for number, contactor in enumerate(self.contactors):
            contactor.command(bool(coils >> number & 1), self.t_ms)

    def inputs(self) -> int:
        """Return the box's input mask (firmware/signals.py)."""
        mask = self.dip << 8 | (16 if self.switch_auto else 0) | (32 if self.bypass else 0)
        for number, contactor in enumerate(self.contactors):
            if contactor.not_open:
                mask |= 1 << number
        return mask

    # -- time ----------------------------------------------------------------------------------------

    def next_ms(self) -> float:
        """Return when something happens by itself next."""
        return min(self._backup_at, min(contactor.next_ms() for contactor in self.contactors))

    def advance(self, t_ms: float) -> None:
        """Move to `t_ms` (not past `next_ms()` unless nobody cares for the time between)."""
        elapsed = t_ms - self.t_ms
        self.t_ms = t_ms
        for contactor in self.contactors:
            if contactor.next_ms() <= t_ms:
                contactor.advance(t_ms)
                self.version += 1
        turns = elapsed / 1000
        self._grid_angle = (self._grid_angle + int(turns * self.grid_hz * TURN)) & (TURN - 1)
        self._backup_angle = (self._backup_angle + int(turns * self.backup_hz * TURN)) & (TURN - 1)
        self._move_backup()
        self._move_bus(elapsed)
        joined = self.contactors[0].main and any(c.main for c in self.contactors[1:])
        if joined != self.joined:
            self.joined = joined
            if joined:
                self.hazards += 1
                self._report(t_ms, {"event": "plant", "hazard": "grid and backup output are joined"})

    def _contact_changed(self, contactor: SimContactor, t_ms: float) -> None:
        self._report(t_ms, {"event": "aux", "name": contactor.name, "not_open": contactor.not_open})

    def _move_backup(self) -> None:
        """The storage system feeds its backup output while it is cut off from a sound grid, or always."""
        cut_off = not self.contactors[0].main or min(self.grid_v) * self._rms_factor < _LOST_V
        needed = self.backup_always or cut_off
        if not needed:
            self._backup_at = INF
            if self.backup_on:
                self.backup_on = False
                self.version += 1
                self._report(self.t_ms, {"event": "plant", "backup": False})
        elif not self.backup_on:
            if self._backup_at == INF:
                self._backup_at = self.t_ms + self.backup_delay_s * 1000
            if self.t_ms >= self._backup_at:
                self._backup_at = INF
                self.backup_on = True
                self.version += 1
                self._report(self.t_ms, {"event": "plant", "backup": True})

    def _move_bus(self, elapsed: float) -> None:
        decay = math.exp(-elapsed / BUS_DECAY_MS)
        for phase in range(3):
            if self.contactors[0].main:
                self._bus_v[phase] = self.grid_v[phase]
                self._bus_from_backup[phase] = False
            elif self.contactors[phase + 1].main:
                self._bus_v[phase] = self.backup_volts(phase)
                self._bus_from_backup[phase] = True
            else:
                left = self._bus_v[phase] * decay
                if self._bus_v[phase]:
                    self.version += 1
                self._bus_v[phase] = left if left > _BUS_GONE_V else 0.0

    # -- as phasors ----------------------------------------------------------------------------------

    def backup_volts(self, phase: int) -> float:
        """RMS voltage of the backup output."""
        return self.backup_v[phase] if self.backup_on else 0.0

    def grid_volts(self, phase: int) -> float:
        """RMS grid voltage, harmonics included."""
        return self.grid_v[phase] * self._rms_factor

    def load_volts(self, phase: int) -> float:
        """RMS voltage of the load bus."""
        return self._bus_v[phase] * (1.0 if self._bus_from_backup[phase] else self._rms_factor)

    def fed(self, phase: int) -> bool:
        """True when a contactor feeds the phase of the load bus."""
        return self.contactors[0].main or self.contactors[phase + 1].main

    def currents(self, phase: int) -> tuple[float, float, float]:
        """Return the fundamental RMS load current, its lag in radians, and the PV current in phase.

        Loads are constant impedances; PV feeds in while the bus is held.
        """
        if not self.fed(phase):
            return 0.0, 0.0, 0.0
        pf = self.load_pf[phase]
        part = self._bus_v[phase] / NOMINAL_V
        lag = math.acos(min(1.0, abs(pf)))
        load = self.load_w[phase] / (NOMINAL_V * abs(pf)) * part
        pv = self.pv_w[phase] / max(self._bus_v[phase], 1.0) if part > 0.45 else 0.0
        return load, (lag if pf > 0 else -lag), pv

    # -- as samples ----------------------------------------------------------------------------------

    def fill(self, a: array, b: array, base: int, first: int, last: int) -> None:
        """Write the scans `first` to `last - 1` of the block at word `base`; the first is at `t_ms`."""
        grid_step = int(self.grid_hz * TURN / 3200)
        backup_step = int(self.backup_hz * TURN / 3200)
        grid_table, sine = self._grid_table, self._sine
        joined = self.contactors[0].main
        rings = (a, b)
        words = (base + 8 * first, base + 8 * last)
        for phase in range(3):
            angle = (self._grid_angle + int(self.grid_deg[phase] / 360 * TURN)) % TURN
            other = (self._backup_angle - phase * TURN // 3) % TURN
            from_backup = self._bus_from_backup[phase]
            bus_angle, bus_step, bus_table = (
                (other, backup_step, sine) if from_backup else (angle, grid_step, grid_table)
            )
            load, lag, pv = self.currents(phase)
            late = (bus_angle - int(lag / (2 * math.pi) * TURN)) % TURN
            volt = 1.41421356 * _COUNTS_PER_V * AMP_ONE
            ampere = 1.41421356 * _COUNTS_PER_A * AMP_ONE
            self._write(rings, V, phase, words, angle, grid_step, self.grid_v[phase] * volt, grid_table)
            self._write(rings, U, phase, words, bus_angle, bus_step, self._bus_v[phase] * volt, bus_table)
            self._write(rings, B, phase, words, other, backup_step, self.backup_volts(phase) * volt, sine)
            self._write(rings, PV, phase, words, bus_angle, bus_step, pv * ampere, bus_table)
            if not joined:
                load = pv = 0.0
            two = self._two
            two[0] = (bus_angle + TURN // 2) % TURN >> 8  # against the load current
            two[1] = bus_step >> 8
            two[2] = int(pv * ampere)
            self._write(rings, A, phase, words, late, bus_step, load * ampere, bus_table)
            two[2] = 0

    def _write(self, rings, what, phase, words, angle, step, amplitude, wave) -> None:
        slot, chip = _PLACES[what][phase]
        one, two = self._one, self._two
        one[0] = angle >> 8
        one[1] = step >> 8
        one[2] = int(amplitude)
        one[3] = self.noise.draw() & 4095
        synthesize(rings[chip], words[0] + slot, words[1] + slot, one, two, wave, wave, self.noise.words)


def _per_phase(value, parts: int) -> list:
    """Return three values: a list as it is, a number divided by `parts` (3: a total, 1: for each phase)."""
    if isinstance(value, (int, float)):
        return [float(value) / parts] * 3
    return [float(x) for x in value]

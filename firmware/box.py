"""The box: every part, built on a board and driven by `step`. With app.py the only place that knows all."""

from micropython import const

from firmware import ticks
from firmware.acquire.calibration import Calibration, CalibrationError
from firmware.acquire.layout import Ring
from firmware.publish.display import page, page_count
from firmware.publish.events import EventLog
from firmware.publish.modbus import ModbusSlave
from firmware.publish.registers import FIRMWARE_VERSION, build_registers
from firmware.shed.policy import Policy
from firmware.shed.rules import check_load_management
from firmware.signals import (
    BACKUP,
    BYPASS,
    DIP_RETURN_DELAY,
    FAULT,
    FAULT_SETTINGS,
    GRID,
    GRID_OK,
    IN_AUTO,
    IN_BYPASS,
    IN_DIP_SHIFT,
    K_GRID,
    OFF,
    REASON_NAMES,
    TO_BACKUP,
    TO_GRID,
    WARN_DIP_CHANGED,
    WARN_LOST_BLOCKS,
    WARN_NO_BACKUP,
    WARN_SOC_STALE,
    WARN_STORE,
    WARN_TRANSFERS,
)
from firmware.store.kept import Kept
from firmware.store.settings import SettingsError, Staging, defaults
from firmware.supervise.battery import Battery
from firmware.supervise.buses import Buses
from firmware.supervise.faults import Faults
from firmware.supervise.front_end import FrontEnd
from firmware.supervise.grid import GridSupervisor
from firmware.supervise.health import Health
from firmware.transfer.gate import Gate
from firmware.transfer.machine import Inputs, Machine

_DISPLAY_MS = const(500)
_PAGE_MS = const(4000)
_STAY_MS = const(30000)  # a page that was asked for by the key stays this much longer
_WATCHDOG_MS = const(100)
_NO_BACKUP_MS = const(5000)
_AWAY = (TO_BACKUP, BACKUP, TO_GRID, FAULT)
_WITHOUT_FRONT_END = const(16)
# Energy is written when K_GRID is open anyway, and four times a day: a write stops the interrupt for up
# to 400 ms, which must stay a rare moment while the grid is being watched.
_KEEP_ENERGY_MS = const(21600000)
_KEEP_GAP_MS = const(600000)  # however often the state changes: flash wears


class Box:
    """The backup box on a board (firmware/hardware/board.py).

    `front_end` replaces the one that is built around the board's sampler; the simulator gives one that
    is fed with RMS values instead of samples.
    """

    def __init__(self, board, front_end=None) -> None:
        self.board = board
        self.board_name = board.name
        self.synthetic = board.synthetic
        self.log = EventLog()
        self.uptime_ms = 0
        self.refusal = ""
        self.faults_latched = Faults(self.log)
        self.battery = Battery()
        self.kept = Kept(board.storage)
        self._store_warning = False
        self._unreadable = False
        self._calibration_refused = False
        self._rules = (check_load_management,)
        calibration = self._load_calibration()
        running = self._load_settings()
        self.staging = Staging(running, self._rules)
        if front_end is None:
            ring = board.sampler.ring if board.sampler else Ring(_WITHOUT_FRONT_END)
            front_end = FrontEnd(ring, calibration, board.phases)
        self.front_end = front_end
        self.meter = front_end.meter
        self.grid = GridSupervisor(front_end)
        self._buses = Buses(front_end.levels.level)
        self.gate = Gate(board.coils)
        self._machine = Machine(self.grid, self._buses, self.gate, self.faults_latched, front_end, self.log)
        self._policy = Policy(self.log)
        self._told = Inputs()
        self._inputs = board.inputs.read()
        self.dip = self._inputs >> IN_DIP_SHIFT & 15
        counts = self.kept.load_energy()
        if counts:
            self.meter.energy.restore(counts)
        self._energy_ms = _KEEP_GAP_MS  # since the last write
        self._apply_settings()
        board.port.configure(running["baud_rate"])
        self.slave = ModbusSlave(
            board.port, build_registers(self), running["unit_address"], running["baud_rate"]
        )
        self._health = Health(1 if board.sampler is None else 2)
        self._feed_ms = 0
        self._display_ms = 0
        self._page_ms = 0
        self._page = 0
        self._key = False
        self._lines = [" " * 20] * 4
        self._last_us = -1
        self._rest_us = 0
        self._shown_reason = -1
        self._state = self.state
        front_end.open_grid = board.coils.open_grid
        self.log.add("start", version=FIRMWARE_VERSION.decode(), board=board.name, dip=self.dip)
        for remark in board.remarks:
            self.log.add("remark", text=remark)

    # -- one turn of the loop -------------------------------------------------------------------------

    def step(self, now_us: int) -> None:
        """Do one turn: read, judge, decide, write, answer. `now_us` are the board's ticks."""
        dt_ms = self._advance(now_us)
        self._inputs = self.board.inputs.read()
        self.gate.read(self._inputs, dt_ms)
        self.meter.collect()
        settings = self.staging.running
        self.grid.step(dt_ms, settings, bool(self._machine.request & K_GRID))
        self.battery.step(dt_ms)
        self._decide(settings, dt_ms)
        self.slave.step(now_us)
        self._housekeeping(dt_ms)

    def _advance(self, now_us: int) -> int:
        """Return the milliseconds since the last turn, keeping the remainder for the next."""
        if self._last_us < 0:
            self._last_us = now_us
        elapsed_us = max(0, ticks.diff(now_us, self._last_us)) + self._rest_us
        self._last_us = now_us
        self._rest_us = elapsed_us % 1000
        dt_ms = elapsed_us // 1000
        self.uptime_ms += dt_ms
        self.log.now_ms = self.uptime_ms
        return dt_ms

    def _decide(self, settings: dict, dt_ms: int) -> None:
        inputs, told, machine = self._inputs, self._told, self._machine
        faults = self.faults_latched
        stale = self.battery.stale(settings["soc_stale_s"])
        # What was dropped stays dropped until the house is back on the grid, or the box switched off: a
        # backup output that sags and comes back is no reason to load the battery again.
        in_backup = machine.state in _AWAY
        told.phases = self._policy.step(in_backup, self.battery.soc, stale, settings, dt_ms)
        told.fed = settings["backup_phases"] & ((1 << self.board.phases) - 1)
        told.auto = bool(inputs & IN_AUTO)
        told.bypass = bool(inputs & IN_BYPASS)
        told.now_s = self.uptime_ms // 1000
        told.delayed = bool(self.dip & DIP_RETURN_DELAY) or self.grid.restless(told.now_s)
        request = machine.step(told, settings, dt_ms)
        permits = 0
        if told.auto and not told.bypass and not faults.mask & FAULT_SETTINGS:
            permits = (told.phases & told.fed) << 1
            if not self.grid.bad:
                permits |= K_GRID
            permits &= ~faults.locked
        self.gate.apply(request, permits, settings["dead_time_ms"])

    def _housekeeping(self, dt_ms: int) -> None:
        reason = self.grid.reason
        if reason != self._shown_reason:
            self._shown_reason = reason
            self.log.add("grid", good=reason == 0, reason=REASON_NAMES[reason], phase=self.grid.phase)
        if self._unreadable and not self.faults_latched.mask & FAULT_SETTINGS:
            self._unreadable = False  # somebody has seen it and reset it: the defaults are stored
            self._save_settings()
            if self._calibration_refused:
                self._calibration_refused = False
                self._save_calibration()
        self._keep_energy(dt_ms)
        self._feed_ms += dt_ms
        if self._feed_ms >= _WATCHDOG_MS:
            counts = (self.slave.polls, self.front_end.blocks)
            if self._health.step(counts, self._feed_ms):
                self.board.watchdog.feed()
            self._feed_ms = 0
        if self.board.display is not None:
            self._show(dt_ms)

    def _show(self, dt_ms: int) -> None:
        """Compose the page now and then; hand it over in every turn: a display writes little at once."""
        key = self.board.inputs.page_key()
        pressed = key and not self._key
        self._key = key
        self._page_ms += dt_ms
        self._display_ms += dt_ms
        if pressed:
            self._page_ms = -_STAY_MS
        if pressed or self._page_ms >= _PAGE_MS:
            self._page_ms = min(self._page_ms, 0)
            self._page += 1
            self._display_ms = _DISPLAY_MS
        if self._display_ms >= _DISPLAY_MS:
            self._display_ms = 0
            self._page %= page_count(self)
            self._lines = page(self, self._page)
        self.board.display.show(self._lines)

    # -- settings and what is kept --------------------------------------------------------------------

    def _load_settings(self) -> dict:
        try:
            return self.kept.load_settings(self._rules)
        except SettingsError as error:
            self._refuse_stored(str(error))
            return defaults()

    def _load_calibration(self) -> Calibration:
        calibration = Calibration()
        try:
            calibration.load(self.kept.load_calibration())
        except (SettingsError, CalibrationError) as error:
            self._calibration_refused = True
            self._refuse_stored("stored calibration: " + str(error))
        return calibration

    def _refuse_stored(self, reason: str) -> None:
        self.refusal = reason
        self._unreadable = True
        self.faults_latched.settings(reason)

    def _apply_settings(self) -> None:
        settings = self.staging.running
        calibration = self.front_end.calibration
        self.front_end.watch.set_limits(settings, calibration)
        self._buses.set_limits(settings, calibration)

    def commit(self) -> str:
        """Put the staged settings into effect and keep them; return why they are refused, or ''."""
        self.refusal = self.staging.commit()
        if self.refusal:
            self.log.add("settings", accepted=False, reason=self.refusal)
            return self.refusal
        self._apply_settings()
        settings = self.staging.running
        self.slave.configure(settings["unit_address"], settings["baud_rate"])
        self.log.add("settings", accepted=True)
        self._save_settings()
        return ""

    def _save_settings(self) -> None:
        try:
            self.kept.save_settings(self.staging.running)
            self._store_warning = False
        except OSError as error:
            self._store_warning = True
            self.log.add("store", saved=False, reason=str(error))

    def _save_calibration(self) -> None:
        try:
            self.kept.save_calibration({})
        except OSError as error:
            self._store_warning = True
            self.log.add("store", saved=False, reason=str(error))

    def _keep_energy(self, dt_ms: int) -> None:
        self._energy_ms = ticks.advance(self._energy_ms, dt_ms)
        entered = self.state
        quiet = (
            entered != self._state and entered in (BACKUP, OFF, BYPASS) and self._energy_ms >= _KEEP_GAP_MS
        )
        self._state = entered
        if not quiet and self._energy_ms < _KEEP_ENERGY_MS:
            return
        self._energy_ms = 0
        try:
            self.kept.save_energy(self.meter.energy.snapshot())
        except OSError as error:
            self._store_warning = True
            self.log.add("store", saved=False, reason=str(error))

    # -- commands of the master -----------------------------------------------------------------------

    def set_soc(self, percent: int) -> None:
        """Take the battery's state of charge, 0 to 100 percent; raises ValueError outside."""
        self.battery.tell(percent)

    def reset_faults(self) -> None:
        """Forget latched faults, locks and waiting times."""
        self.faults_latched.reset()
        self._machine.reset()

    # -- what is published ----------------------------------------------------------------------------

    @property
    def state(self) -> int:
        """State code, signals.STATE_NAMES."""
        return self._machine.state

    @property
    def state_reason(self) -> int:
        """Why the house is not on the grid, signals.REASON_NAMES; 0 while it is."""
        if self.state == GRID:
            return GRID_OK
        return self.grid.reason or self._machine.reason

    @property
    def failing_phase(self) -> int:
        """Phase of `state_reason`, 1 to 3, 0 when it is none or all."""
        if self.state == GRID:
            return 0
        return self.grid.phase if self.grid.reason else self._machine.phase

    @property
    def countdown_s(self) -> int:
        """Seconds until the return to the grid, 0 when it is not being waited for."""
        waiting = self.state in (TO_BACKUP, BACKUP, FAULT) and self.grid.good_ms > 0
        return (self._machine.wait_ms + 999) // 1000 if waiting else 0

    @property
    def coils(self) -> int:
        """Energised coils."""
        return self.board.coils.mask

    @property
    def feedback(self) -> int:
        """Contactors that are not confirmed open."""
        return self.gate.not_open

    @property
    def phases_supplied(self) -> int:
        """Phases of the load bus that a closed contactor feeds, bits 0 to 2."""
        supplied = 0
        closed = self.coils & self.gate.not_open
        for phase in range(3):
            if closed & (K_GRID | 2 << phase) and self._buses.load_live(phase):
                supplied |= 1 << phase
        return supplied

    @property
    def dip_changed(self) -> int:
        """1 when the DIP switches differ from what was read at the start."""
        return int(self._inputs >> IN_DIP_SHIFT & 15 != self.dip)

    @property
    def faults(self) -> int:
        """Latched faults, signals.FAULT_NAMES."""
        return self.faults_latched.mask

    @property
    def warnings(self) -> int:
        """Present warnings, signals.WARNING_NAMES."""
        mask = 0
        settings = self.staging.running
        told = self.battery.soc >= 0 or settings["load_management_enable"]
        if told and self.battery.stale(settings["soc_stale_s"]):
            mask |= WARN_SOC_STALE
        if self.grid.restless(self.uptime_s):
            mask |= WARN_TRANSFERS
        if self.dip_changed:
            mask |= WARN_DIP_CHANGED
        if self.lost_blocks:
            mask |= WARN_LOST_BLOCKS
        if self._store_warning or self.kept.damaged:
            mask |= WARN_STORE
        if self.state == TO_BACKUP and self._machine.state_ms >= _NO_BACKUP_MS:
            mask |= WARN_NO_BACKUP
        return mask

    @property
    def lost_blocks(self) -> int:
        """Sample blocks that never reached the block function."""
        return self.front_end.lost_blocks

    @property
    def readings(self):
        """Measured values (measure/readings.py)."""
        return self.meter.readings

    @property
    def energy(self):
        """Energy counters (measure/energy.py)."""
        return self.meter.energy

    @property
    def settings(self) -> dict:
        """The running settings."""
        return self.staging.running

    @property
    def uptime_s(self) -> int:
        """Seconds since the start."""
        return self.uptime_ms // 1000

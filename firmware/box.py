"""The box: every part, built on a board and driven by `step`. With app.py the only place that knows all."""

from micropython import const

from firmware import ticks
from firmware.acquire.layout import Ring
from firmware.keeping import Keeping
from firmware.publish.access import Access
from firmware.publish.events import EventLog
from firmware.publish.modbus import ModbusSlave
from firmware.publish.profiles import Profiles
from firmware.publish.registers import Registers
from firmware.publish.service import FIRMWARE_VERSION, Service, identity
from firmware.shed.policy import Policy
from firmware.shed.rules import check_load_management
from firmware.signals import (
    BACKUP,
    BENCH_NAMES,
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
    REASON_NAMES,
    TO_BACKUP,
    TO_GRID,
    WARN_BENCH,
    WARN_CONVERTER,
    WARN_DIP_CHANGED,
    WARN_LOST_BLOCKS,
    WARN_MASTER,
    WARN_NO_BACKUP,
    WARN_SOC_STALE,
    WARN_STORE,
    WARN_TRANSFERS,
)
from firmware.store.settings import Staging
from firmware.supervise.battery import Battery
from firmware.supervise.buses import Buses
from firmware.supervise.converters import Converters
from firmware.supervise.faults import Faults
from firmware.supervise.front_end import FrontEnd
from firmware.supervise.grid import GridSupervisor
from firmware.transfer.gate import Gate
from firmware.transfer.machine import Inputs, Machine
from firmware.upkeep import Upkeep

_NO_BACKUP_MS = const(5000)
_AWAY = (TO_BACKUP, BACKUP, TO_GRID, FAULT)
# The grid is judged anew with every block; without blocks this often, for the time that passes.
_JUDGE_MS = const(5)
# What goes by seconds (state of charge, transfers in ten minutes) is looked at this often.
_SLOW_MS = const(20)


class Box:
    """The backup box on a board (firmware/hardware/board.py).

    `front_end` replaces the one that is built around the board's sampler; the simulator gives one that
    is fed with RMS values instead of samples.
    """

    def __init__(self, board, front_end=None) -> None:
        self.board = board
        self.board_name = board.name
        self.synthetic = board.synthetic
        self.log = EventLog(bench=board.synthetic)
        self.uptime_ms = 0
        self.refusal = ""
        self.bench_grid = 0
        self.phases = board.phases
        self.serial = board.serial
        self.access = Access()
        self._clock_s = 0  # what the clock showed at the start, 0: it was never set
        self._requests = 0  # of the master, when they were last looked at
        self._request_s = -1  # when that was
        self.warnings = 0  # present ones, signals.WARNING_NAMES
        self.faults_latched = Faults(self.log)
        self.battery = Battery()
        self.converters = Converters(self.log)
        self._keeping = Keeping(board.storage, self.log)
        rules = (check_load_management,)
        running = self._keeping.load_settings(rules)
        calibration = self._keeping.load_calibration()
        if self._keeping.reason:
            self.refusal = self._keeping.reason
            self.faults_latched.settings(self.refusal)
        self.staging = Staging(running, rules)
        if front_end is None:
            ring = board.sampler.ring if board.sampler else Ring()
            front_end = FrontEnd(ring, calibration, board.phases, board.kernel)
        self.front_end = front_end
        self.meter = front_end.meter
        self.grid = GridSupervisor(front_end)
        self._buses = Buses(front_end.levels.level, board.load_bus)
        self.gate = Gate(board.coils)
        self._machine = Machine(self.grid, self._buses, self.gate, self.faults_latched, front_end, self.log)
        self._policy = Policy(self.log)
        self._told = Inputs()
        self._inputs = board.inputs.read()
        self.dip = self._inputs >> IN_DIP_SHIFT & 15
        counts = self._keeping.load_energy()
        if counts:
            self.meter.energy.restore(counts)
        self._last_us = -1
        self._judged_blocks = -1
        self._judge_ms = 0
        self._slow_ms = _SLOW_MS
        self._shown_reason = -1
        self._apply_settings()
        self.identity = identity(board.name, board.synthetic)
        self.profiles = Profiles(self)
        line = running["baud_rate"], running["line_format"]
        board.port.configure(*line)
        service = Service(self.identity)
        self.slave = ModbusSlave(board.port, Registers(self), running["unit_address"], *line, service)
        self._configure()
        self._upkeep = Upkeep(self, board)
        front_end.open_grid = board.coils.open_grid
        self.log.add("start", version=FIRMWARE_VERSION.decode(), board=board.name, dip=self.dip)
        for remark in board.remarks:
            self.log.add("remark", text=remark)

    # -- one turn of the loop -------------------------------------------------------------------------

    def step(self, now_us: int) -> None:
        """Do one turn: read, judge, decide, write; then what may wait, in small pieces.

        `now_us` are the board's ticks. The line is looked at three times, so that no reply waits for long.
        """
        slave = self.slave
        replied = slave.step(now_us)
        dt_ms = self._advance(now_us)
        settings = self.staging.running
        self._inputs = self.board.inputs.read()
        self.gate.read(self._inputs, dt_ms)
        self._judge(settings, dt_ms)
        replied = slave.step(now_us) or replied
        self._decide(settings, dt_ms)
        now_us = self.board.ticks_us()
        replied = slave.step(now_us) or replied
        self._upkeep.step(replied, now_us, dt_ms)

    def _advance(self, now_us: int) -> int:
        """Return the whole milliseconds since the last turn; what is left over counts in the next."""
        if self._last_us < 0:
            self._last_us = now_us
        dt_ms = ticks.diff(now_us, self._last_us) // 1000
        if dt_ms <= 0:
            return 0
        self._last_us = ticks.add(self._last_us, 1000 * dt_ms)
        self.uptime_ms += dt_ms
        self.log.now_ms = self.uptime_ms
        return dt_ms

    def _judge(self, settings: dict, dt_ms: int) -> None:
        """Judge the grid: with every block, for nothing else can change the verdict but the time."""
        self._judge_ms += dt_ms
        blocks = self.front_end.blocks
        if blocks == self._judged_blocks and self._judge_ms < _JUDGE_MS:
            return
        self._judged_blocks = blocks
        grid = self.grid
        grid.step(self._judge_ms, settings, self._machine.request & K_GRID != 0)
        self._judge_ms = 0
        if grid.reason != self._shown_reason:
            self._tell_grid(grid.reason, grid.phase)

    def _tell_grid(self, reason: int, phase: int) -> None:
        self._shown_reason = reason
        self.log.add("grid", good=reason == GRID_OK, reason=REASON_NAMES[reason], phase=phase)

    def _decide(self, settings: dict, dt_ms: int) -> None:
        told = self._told
        self._slow_ms += dt_ms
        if self._slow_ms >= _SLOW_MS:
            self._decide_slowly(settings, self._slow_ms)
            self._slow_ms = 0
        told.auto = self._inputs & IN_AUTO != 0
        told.bypass = self._inputs & IN_BYPASS != 0
        request = self._machine.step(told, settings, dt_ms)
        self.gate.apply(request, self._permits(told), settings["dead_time_ms"])

    def _permits(self, told: Inputs) -> int:
        """Return the coils that may be on at all."""
        faults = self.faults_latched
        if not told.auto or told.bypass or faults.mask & FAULT_SETTINGS:
            return 0
        permits = (told.phases & told.fed) << 1
        if self.grid.reason == GRID_OK:
            permits |= K_GRID
        return permits & ~faults.locked if faults.mask else permits

    def _decide_slowly(self, settings: dict, dt_ms: int) -> None:
        told = self._told
        self.battery.step(dt_ms)
        stale = self.battery.stale(settings["soc_stale_s"])
        # What was dropped stays dropped until the house is back on the grid, or the box switched off: a
        # backup output that sags and comes back is no reason to load the battery again.
        in_backup = self._machine.state in _AWAY
        told.phases = self._policy.step(in_backup, self.battery.soc, stale, settings, dt_ms)
        told.fed = settings["backup_phases"] & ((1 << self.board.phases) - 1)
        told.now_s = self.uptime_ms // 1000
        told.delayed = bool(self.dip & DIP_RETURN_DELAY) or self.grid.restless(told.now_s)

    # -- what upkeep asks for -------------------------------------------------------------------------

    def judge_channels(self) -> None:
        """A measuring window is done: see whether its channels can be right."""
        converters = self.converters
        converters.step(self.meter.flaws)
        self.grid.distrust(converters.grid_blind, converters.grid_saturated)

    def keep(self, quiet: bool, dt_ms: int) -> None:
        """Write what is due to flash; `quiet` says that a pause would not matter now."""
        keeping = self._keeping
        if keeping.reason and not self.faults_latched.mask & FAULT_SETTINGS:
            keeping.accept_loss(self.staging.running)
        keeping.step(self.state, self.meter.energy, quiet, dt_ms)

    def find_warnings(self) -> None:
        """Form `warnings` anew."""
        mask = WARN_BENCH if self.synthetic else 0
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
        if self._keeping.doubtful:
            mask |= WARN_STORE
        if self.converters.flawed:
            mask |= WARN_CONVERTER
        if self.slave.requests != self._requests:
            self._requests = self.slave.requests
            self._request_s = self.uptime_s
        limit_s = settings["master_lost_s"]
        if limit_s and self._request_s >= 0 and self.request_age_s > limit_s:
            mask |= WARN_MASTER
        if self.state == TO_BACKUP and self._machine.state_ms >= _NO_BACKUP_MS:
            mask |= WARN_NO_BACKUP
        self.warnings = mask

    # -- commands of the master -----------------------------------------------------------------------

    def _apply_settings(self) -> None:
        settings = self.staging.running
        calibration = self.front_end.calibration
        self.front_end.watch.set_limits(settings, calibration)
        self._buses.set_limits(settings, calibration)

    def commit(self) -> str:
        """Put the staged settings into effect and keep them; return why they are refused, or ''."""
        before = self.staging.running
        return self._take_effect(self.staging.commit(), before)

    def change(self, values: dict) -> str:
        """Put single settings into effect and keep them, whatever is staged; return why not, or ''."""
        before = self.staging.running
        return self._take_effect(self.staging.change(values), before)

    def _take_effect(self, refusal: str, before: dict) -> str:
        self.refusal = refusal
        if refusal:
            self.log.add("settings", accepted=False, reason=refusal)
            return refusal
        self.log.add("settings", accepted=True)
        settings = self.staging.running
        if settings != before or self.faults_latched.mask & FAULT_SETTINGS:
            self._apply_settings()
            self._slow_ms = _SLOW_MS  # which phases may be fed is decided with the next coils
            self._configure()
            self._keeping.keep_settings(settings)
            self.access.worn()
            self._upkeep.tidy()
        return ""

    def _configure(self) -> None:
        """Have the slave answer as the settings say, from the next request on."""
        settings = self.staging.running
        units = self.profiles.units(settings)
        self.slave.configure(settings["unit_address"], settings["baud_rate"], settings["line_format"], units)

    @property
    def locked(self) -> bool:
        """True while a master may write nothing but the state of charge."""
        return bool(self.settings["write_lock"]) and not self.access.open_s(self.uptime_s)

    def set_soc(self, percent: int) -> None:
        """Take the battery's state of charge, 0 to 100 percent; raises ValueError outside."""
        self.battery.tell(percent)

    def reset_faults(self) -> None:
        """Forget latched faults, locks and waiting times."""
        self.faults_latched.reset()
        self._machine.reset()

    def clear_energy(self) -> None:
        """Begin all energy counters anew, and keep that."""
        self.meter.energy.clear()
        self._keeping.keep_energy()
        self.access.worn()
        self.log.add("energy_cleared")

    def test_transfer(self, seconds: int) -> bool:
        """Have the house fed from the backup output for so long (0 only asks); False where that cannot be."""
        return self._machine.test(seconds)

    def set_clock(self, seconds: int) -> None:
        """Take the time, in seconds since 1970."""
        self._clock_s = seconds - self.uptime_s

    def play(self, scene: int) -> None:
        """Let the grid of a bench board be as in `scene`, signals.BENCH_NAMES."""
        self.board.sampler.play(scene)
        self.bench_grid = scene
        self.log.add("bench_grid", name=BENCH_NAMES[scene])

    # -- what is published ----------------------------------------------------------------------------

    @property
    def state(self) -> int:
        """State code, signals.STATE_NAMES."""
        return self._machine.state

    @property
    def state_ms(self) -> int:
        """How long it has been in this state."""
        return self._machine.state_ms

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
    def lost_blocks(self) -> int:
        """Sample blocks that never reached the block function."""
        return self.front_end.lost_blocks

    @property
    def bad_channels(self) -> tuple:
        """Masks of the absent, the stuck and the saturated channels, bit n for acquire.layout.CHANNELS[n]."""
        return self.converters.masks

    @property
    def channel_texts(self) -> list:
        """What is wrong with which channels, in words."""
        return self.converters.texts()

    @property
    def request_age_s(self) -> int:
        """Seconds since a master last asked for something, 65535 for longer and for never."""
        return min(self.uptime_s - self._request_s, 65535) if self._request_s >= 0 else 65535

    @property
    def clock_s(self) -> int:
        """The time in seconds since 1970, 0 while nobody has set it."""
        return self._clock_s + self.uptime_s if self._clock_s else 0

    @property
    def test_s(self) -> int:
        """For how many more seconds a test of the transfer lasts."""
        return (self._machine.test_ms + 999) // 1000

    @property
    def settings_pending(self) -> int:
        """Settings that wait for a commit."""
        return len(self.staging.staged)

    @property
    def soc_age_s(self) -> int:
        """Age of the state of charge in seconds, 65535 for older and for never told."""
        return self.battery.age_s()

    @property
    def pv_frequency_mhz(self) -> int:
        """The frequency that the PV inverter sees: the grid's while the load bus hangs on it, else 0."""
        joined = self.coils & K_GRID or self.state == BYPASS
        return self.readings.frequency_mhz if joined and self.settings["pv_meter_enable"] else 0

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

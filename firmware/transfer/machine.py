"""The transfer machine: which side feeds the house, and the way from one to the other.

It only asks. What it asks for goes through the interlock (gate.py), and what the contactors answer
comes back through their feedback and through the measured voltages. docs/how-it-decides.md draws it.
"""

from micropython import const

from firmware.signals import (
    BACKUP,
    BYPASS,
    DEEP_DIP,
    FAULT,
    FAULT_NOT_OPEN_SHIFT,
    FAULT_SETTINGS,
    GRID,
    GRID_OK,
    INTERRUPTION,
    K_GRID,
    OFF,
    PHASE_LOSS,
    Q_ALL,
    REASON_NAMES,
    STARTING,
    STATE_NAMES,
    TEST,
    TO_BACKUP,
    TO_GRID,
)
from firmware.ticks import advance
from firmware.transfer.backup_side import LIVE_MS, VOLTAGE_MS, BackupSide

# The first samples of a fault tell an interruption from a deep dip roughly; a half cycle tells it surely.
_SUDDEN = (INTERRUPTION, PHASE_LOSS, DEEP_DIP)
_REASON_MS = const(30)
# The backup output must be usable this long before the first phase is closed onto it.
_BACKUP_STEADY_MS = const(100)
# A backup output that left its band this long is gone; it may sag while a load starts.
_BACKUP_LOST_MS = const(1000)
# A test of the transfer is given up when the backup output does not feed the house by then.
_TEST_DARK_MS = const(5000)
# Grid current while K_GRID is open and a source feeds the bus: it conducts, whatever its feedback says.
_STRAY_MA = const(2000)
_STRAY_AFTER_MS = const(1000)  # the reading reaches 200 ms back, the contactor opened before
_STRAY_MS = const(300)


class Inputs:
    """What the machine is told at every step; the app fills it in."""

    def __init__(self) -> None:
        self.auto = False  # operating switch
        self.bypass = False
        self.delayed = False  # the return delay applies
        self.phases = 0  # phases that may be supplied in backup, bits 0 to 2
        self.fed = 7  # phases that the backup output feeds
        self.now_s = 0


class Machine:
    """States as in signals.py. `request` is the coils it wants, `reason` and `phase` why it left the grid."""

    def __init__(self, grid, buses, gate, faults, front_end, log) -> None:
        self.state = STARTING
        self.state_ms = 0
        self.request = 0
        self.reason = GRID_OK
        self.phase = 0
        self.wait_ms = 0  # until the return to the grid, while it is being waited for
        self.test_ms = 0  # for which the house is still to be fed from the backup output, for a test
        self._grid = grid
        self._buses = buses
        self._gate = gate
        self._faults = faults
        self._front = front_end
        self._log = log
        self._hold_grid_ms = 0
        self._hold_backup_ms = 0
        self._side = BackupSide(gate, buses, faults)
        self._backup_ms = 0  # the backup output has been usable (or, in backup, unusable) this long
        self._bus_live_ms = 0
        self._dark_ms = 0
        self._stray_ms = 0
        self._had_outage = False
        self._on_battery = False  # the last source that fed the house was the backup output
        self._handlers = (
            self._starting,
            self._on_grid,
            self._to_backup,
            self._on_backup,
            self._to_grid,
            self._in_fault,
            self._switched_off,
            self._bypassed,
        )

    def step(self, inputs: Inputs, settings: dict, dt_ms: int) -> int:
        """Advance by `dt_ms` and return the coils that are wanted now."""
        self.state_ms = advance(self.state_ms, dt_ms)
        if self._hold_grid_ms:
            self._hold_grid_ms = max(0, self._hold_grid_ms - dt_ms)
        if self._hold_backup_ms:
            self._hold_backup_ms = max(0, self._hold_backup_ms - dt_ms)
        if self.state != GRID:
            delayed = inputs.delayed and self._had_outage
            self.wait_ms = self._grid.wait_ms(delayed, settings)
        if self.test_ms:
            self._go_on_testing(dt_ms)
        if inputs.bypass:
            self._enter(BYPASS)
        elif not inputs.auto:
            self._enter(OFF)
        self._handlers[self.state](inputs, settings, dt_ms)
        return self.request

    # -- the states ----------------------------------------------------------------------------------

    def _starting(self, inputs: Inputs, settings: dict, dt_ms: int) -> None:
        self.request = 0
        if self._faults.mask & FAULT_SETTINGS:
            self._enter(FAULT)
        elif self._may_return():
            self._enter(TO_GRID)
        elif self._grid.bad and self.state_ms >= 1000 or self.state_ms >= settings["qualification_ms"] + 1000:
            # Neither good within the time it needs, nor worth waiting for: see whether the battery can.
            self._leave_grid(self._grid.reason, self._grid.phase)

    def _on_grid(self, inputs: Inputs, settings: dict, dt_ms: int) -> None:
        contactor = self._gate.contactors[0]
        watch = self._front.watch
        if watch.trip_reason:
            self._leave_grid(watch.trip_reason, watch.trip_phase)
        elif self._grid.bad:
            self._leave_grid(self._grid.reason, self._grid.phase)
        elif self.test_ms:
            self._leave_grid(TEST, 0)
        elif self._gate.not_open & Q_ALL:
            # A contactor of the other side claims to be closed: when in doubt, open.
            self._fail_open_backup(inputs, settings)
        elif contactor.wrong_ms >= settings["feedback_ms"] or self._brings_no_voltage(dt_ms):
            self._fail_closed_grid(inputs, settings)

    def _to_backup(self, inputs: Inputs, settings: dict, dt_ms: int) -> None:
        self.request = 0
        contactor = self._gate.contactors[0]
        if self.state_ms < _REASON_MS and self.reason in _SUDDEN and self._grid.reason in _SUDDEN:
            self.reason, self.phase = self._grid.reason, self._grid.phase
        if contactor.not_open:
            if contactor.wrong_ms >= settings["feedback_ms"]:
                self._fail_open_grid(inputs, settings)
            return
        if contactor.open_ms < settings["dead_time_ms"]:
            return
        if self._may_return():
            self._enter(TO_GRID)
            return
        # A phase whose own Q is stuck closed is live by right, and no reason to leave the others dark.
        latched = self._faults.mask >> FAULT_NOT_OPEN_SHIFT + 1
        stuck = self._gate.not_open >> 1
        for n in range(3):
            if latched >> n & 1 and self._buses.backup_live(n):
                stuck |= 1 << n
        usable = self._backup_usable(inputs)
        self._backup_ms = advance(self._backup_ms, dt_ms) if usable else 0
        if not self._bus_dead(stuck, dt_ms):
            if self._bus_live_ms >= LIVE_MS:
                self._fail_bus(inputs, settings)
        elif self._backup_ms >= _BACKUP_STEADY_MS and not self._hold_backup_ms and self._unlocked(Q_ALL):
            self._enter(BACKUP)
            self._side.begin(settings["stagger_ms"])
            if not self._on_battery:  # a backup output that came back is no transfer
                self._grid.count_transfer(inputs.now_s)
            self._on_battery = True

    def _on_backup(self, inputs: Inputs, settings: dict, dt_ms: int) -> None:
        if self._gate.contactors[0].not_open:
            self._fail_open_grid(inputs, settings)
            return
        if self._grid_conducts(dt_ms):
            self._fail_open_grid(inputs, settings)
            return
        if self._may_return():
            self._enter(TO_GRID)
            return
        self._backup_ms = 0 if self._backup_usable(inputs) else advance(self._backup_ms, dt_ms)
        if self._backup_ms >= _BACKUP_LOST_MS:
            self._hold_backup_ms = settings["retry_s"] * 1000
            self._enter(TO_BACKUP)
            self.request = 0
            return
        allowed = inputs.phases & inputs.fed
        self.request = self._side.serve(self.request, allowed, inputs.now_s, settings, dt_ms)

    def _to_grid(self, inputs: Inputs, settings: dict, dt_ms: int) -> None:
        contactors = self._gate.contactors
        if self._front.watch.trip_reason and self.request & K_GRID:
            self._leave_grid(self._front.watch.trip_reason, self._front.watch.trip_phase)
            return
        if self._grid.bad:
            self._leave_grid(self._grid.reason, self._grid.phase)
            return
        if not self.request & K_GRID:
            self.request = 0
            if self._gate.not_open & Q_ALL:
                if max(contactors[n].wrong_ms for n in (1, 2, 3)) >= settings["feedback_ms"]:
                    self._fail_open_backup(inputs, settings)
                return
            if min(contactors[n].open_ms for n in (1, 2, 3)) < settings["dead_time_ms"]:
                return
            if not self._bus_dead(0, dt_ms):
                if self._bus_live_ms >= LIVE_MS:
                    self._fail_bus(inputs, settings)
                return
            if not self._grid.qualified:  # left the return band on the way: do not wait in the dark
                self._enter(TO_BACKUP)
                return
            self._front.watch.arm()
            self.request = K_GRID
        elif self._gate.not_open & Q_ALL:
            self._fail_open_backup(inputs, settings)
        elif not contactors[0].commanded:
            return  # the interlock has not let it through yet
        elif contactors[0].closed:
            if self._buses.all_live():
                self._hold_backup_ms = 0
                self._on_battery = False
                self._enter(GRID)
                if self._had_outage:
                    self._grid.count_transfer(inputs.now_s)
                self._had_outage = False
            elif self._brings_no_voltage(dt_ms):
                self._fail_closed_grid(inputs, settings)
        elif contactors[0].wrong_ms >= settings["feedback_ms"]:
            self._fail_closed_grid(inputs, settings)

    def _in_fault(self, inputs: Inputs, settings: dict, dt_ms: int) -> None:
        self.request = 0
        if self._faults.mask & FAULT_SETTINGS:
            return
        if self._may_return():
            self._enter(TO_GRID)
        elif not self._hold_backup_ms and self._unlocked(Q_ALL):
            self._enter(TO_BACKUP)

    def _switched_off(self, inputs: Inputs, settings: dict, dt_ms: int) -> None:
        self.request = 0
        if inputs.auto and not inputs.bypass:
            self._faults.reset()  # the operator's reset: OFF, then AUTO
            self._restart()

    def _bypassed(self, inputs: Inputs, settings: dict, dt_ms: int) -> None:
        self.request = 0
        if not inputs.bypass:
            self._restart()

    # -- what they are made of ------------------------------------------------------------------------

    def test(self, seconds: int) -> bool:
        """Leave a sound grid for so long; False unless the house is on it, and nothing is wrong. 0 only asks.

        Many storage systems start their backup output only when they miss the grid: it need not be there.
        """
        if self.state != GRID or self._grid.bad or self._faults.mask:
            return False
        if seconds:
            self.test_ms = 1000 * seconds
        return True

    def _go_on_testing(self, dt_ms: int) -> None:
        """A test ends with its time, and at once when it is no longer only a test."""
        if self._faults.mask or self._grid.bad or self.state not in (GRID, TO_BACKUP, BACKUP):
            self.test_ms = 0
        elif self.state == TO_BACKUP and (self._hold_backup_ms or self.state_ms >= _TEST_DARK_MS):
            self.test_ms = 0  # nothing feeds the house: back to the grid
        else:
            self.test_ms = max(0, self.test_ms - dt_ms)

    def reset(self) -> None:
        """Operator or master have reset the faults: no more waiting for a retry."""
        self._hold_grid_ms = 0
        self._hold_backup_ms = 0
        self._side.reset()

    def _restart(self) -> None:
        self.reset()
        self._had_outage = False
        self._enter(STARTING)

    def _enter(self, state: int) -> None:
        if state == self.state:
            return
        self.state = state
        self.state_ms = 0
        self._backup_ms = 0
        self._stray_ms = 0
        self._bus_live_ms = 0
        self._dark_ms = 0
        if state not in (TO_GRID, GRID):
            self._front.watch.disarm()
        if state != GRID:
            self.request = 0
        self._log.add("state", state=STATE_NAMES[state], reason=REASON_NAMES[self.reason], phase=self.phase)

    def _leave_grid(self, reason: int, phase: int) -> None:
        self.reason = reason
        self.phase = phase
        self._had_outage = True
        self.request = 0
        self._enter(TO_BACKUP)

    def _may_return(self) -> bool:
        return (
            self._grid.qualified
            and self.wait_ms == 0
            and not self.test_ms
            and not self._hold_grid_ms
            and self._unlocked(K_GRID)
            and not self._gate.not_open & Q_ALL & ~self._gate.driver.mask
        )

    def _unlocked(self, coils: int) -> bool:
        return bool(coils & ~self._faults.locked)

    def _backup_usable(self, inputs: Inputs) -> bool:
        usable = True
        for n in range(3):
            if inputs.fed >> n & 1 and not self._buses.backup_usable(n):
                usable = False
        return usable

    def _bus_dead(self, stuck: int, dt_ms: int) -> bool:
        """True when every phase is dead, but those in `stuck` (bits 0 to 2) that need not be."""
        buses = self._buses
        dead = True
        for n in range(3):
            if not (buses.load_dead(n) or stuck >> n & 1):
                dead = False
        self._bus_live_ms = 0 if dead else advance(self._bus_live_ms, dt_ms)
        return dead

    def _brings_no_voltage(self, dt_ms: int) -> bool:
        """True when K_GRID is closed by its feedback, but a live grid phase does not reach the bus."""
        self._dark_ms = 0 if self._buses.all_live() else advance(self._dark_ms, dt_ms)
        return self._dark_ms >= VOLTAGE_MS

    def _grid_conducts(self, dt_ms: int) -> bool:
        """True when grid current flows although K_GRID is open."""
        stray = self.state_ms >= _STRAY_AFTER_MS and max(self._front.meter.readings.i_ma) > _STRAY_MA
        self._stray_ms = advance(self._stray_ms, dt_ms) if stray else 0
        return self._stray_ms >= _STRAY_MS

    # -- failures ------------------------------------------------------------------------------------

    def _fail_open_grid(self, inputs: Inputs, settings: dict) -> None:
        self._hold_backup_ms = settings["retry_s"] * 1000
        self._faults.not_open(0, inputs.now_s)
        self._enter(FAULT)

    def _fail_closed_grid(self, inputs: Inputs, settings: dict) -> None:
        self._hold_grid_ms = settings["retry_s"] * 1000
        self._had_outage = True
        self._faults.not_closed(0, inputs.now_s)
        self._enter(FAULT)

    def _fail_open_backup(self, inputs: Inputs, settings: dict) -> None:
        self._hold_grid_ms = settings["retry_s"] * 1000
        self._had_outage = True
        for n in (1, 2, 3):
            if self._gate.contactors[n].not_open:
                self._faults.not_open(n, inputs.now_s)
        self._enter(FAULT)

    def _fail_bus(self, inputs: Inputs, settings: dict) -> None:
        """The bus stayed live with every contactor confirmed open: one of them lies, or a source feeds it."""
        self._hold_grid_ms = self._hold_backup_ms = settings["retry_s"] * 1000
        buses = self._buses
        live = [n for n in range(3) if not buses.load_dead(n)]
        # A K_GRID that conducts carries every live phase of the grid over; one alone comes from elsewhere.
        if live and self._buses.all_live() and all(buses.grid_live(n) for n in live):
            self._faults.not_open(0, inputs.now_s)
        elif live and all(buses.backup_live(n) for n in live):
            for n in live:
                self._faults.not_open(n + 1, inputs.now_s)
        else:
            self._faults.bus_live(inputs.now_s)
        self._enter(FAULT)

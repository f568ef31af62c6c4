"""A bench for the transfer machine: contactors that follow their coils, a bus they feed, a told grid.

Everything is set in plain terms (`grid_good`, `weld`, `stuck`, ...) and moves in steps of a few
milliseconds. The gate, the interlock, the faults and the machine are the firmware's own.
"""

from firmware.publish.events import EventLog
from firmware.signals import K_GRID, STATE_NAMES, UNDERVOLTAGE
from firmware.store.settings import defaults
from firmware.supervise.faults import Faults
from firmware.transfer.gate import Gate
from firmware.transfer.machine import Inputs, Machine
from host_tests.unit.coil_driver import CoilDriver

STEP_MS = 5
MOVE_MS = 15  # a contactor follows its coil after this


class BenchGrid:
    """The grid as it is told: `reason` 0 is good; `qualified` follows `good_ms`."""

    def __init__(self):
        self.reason = 0
        self.phase = 0
        self.good_ms = 0
        self.transfers = []

    @property
    def bad(self):
        return self.reason != 0

    @property
    def qualified(self):
        return self.good_ms >= 2000

    def wait_ms(self, delayed, settings):
        needed_ms = settings["return_delay_s"] * 1000 if delayed else 2000
        return max(0, needed_ms - self.good_ms)

    def count_transfer(self, now_s):
        self.transfers.append(now_s)


class BenchWatch:
    """Remembers arming; `trip` is what the interrupt does."""

    def __init__(self):
        self.armed = False
        self.trip_reason = 0
        self.trip_phase = 0

    def arm(self):
        self.armed = True
        self.trip_reason = self.trip_phase = 0

    def disarm(self):
        self.armed = False


class _Readings:
    def __init__(self):
        self.i_ma = [0, 0, 0]


class _Meter:
    def __init__(self):
        self.readings = _Readings()


class BenchFront:
    """Watch and grid currents."""

    def __init__(self):
        self.watch = BenchWatch()
        self.meter = _Meter()


class BenchBuses:
    """Voltages per phase, 0 to 2, as sets of phases."""

    def __init__(self):
        self.grid = {0, 1, 2}
        self.load = set()
        self.backup = {0, 1, 2}
        self.backup_in_band = True
        self.half_dead = set()  # phases of the load bus that are neither live nor dead

    def grid_live(self, phase):
        return phase in self.grid

    def load_live(self, phase):
        return phase in self.load and phase not in self.half_dead

    def all_live(self):
        return all(self.load_live(n) or not self.grid_live(n) for n in range(3))

    def load_dead(self, phase):
        return phase not in self.load and phase not in self.half_dead

    def backup_live(self, phase):
        return phase in self.backup

    def backup_usable(self, phase):
        return self.backup_in_band and phase in self.backup


class Bench:
    """`run(ms)` moves it; sets of contactor numbers say what fails."""

    def __init__(self, **settings):
        self.settings = defaults()
        self.settings.update(settings)
        self.driver = CoilDriver()
        self.log = EventLog(500)
        self.grid = BenchGrid()
        self.front = BenchFront()
        self.buses = BenchBuses()
        self.faults = Faults(self.log)
        self.gate = Gate(self.driver)
        self.inputs = Inputs()
        self.inputs.auto = True
        self.inputs.phases = 7
        self.machine = Machine(self.grid, self.buses, self.gate, self.faults, self.front, self.log)
        self.closed = [False] * 4  # main contacts
        self._moving_ms = [0] * 4
        self.weld = set()  # contactors that do not part, and say so
        self.hidden = set()  # do not part, but say open
        self.stuck = set()  # do not pull in
        self.aux = set()  # wire broken: never confirmed open
        self.no_contact = set()  # say closed, but conduct nothing
        self.held = set()  # phases of the bus that something else keeps live
        self.t_ms = 0
        self.joined_ms = 0
        self.before_apply = None

    # -- in plain terms ------------------------------------------------------------------------------

    @property
    def state(self):
        return STATE_NAMES[self.machine.state]

    def faulty(self, name):
        """How often the fault was told."""
        return sum([1 for entry in self.log.entries if entry[1] == "fault" and entry[2]["name"] == name])

    def fail_grid(self, reason=UNDERVOLTAGE, phase=2):
        self.grid.reason, self.grid.phase, self.grid.good_ms = reason, phase, 0
        self.buses.grid = set()

    def heal_grid(self):
        self.grid.reason = self.grid.phase = 0
        self.buses.grid = {0, 1, 2}

    def trip(self, reason, phase):
        """What the sampling interrupt does."""
        self.front.watch.armed = False
        self.front.watch.trip_reason = reason
        self.front.watch.trip_phase = phase
        self.driver.open_grid()

    # -- time ----------------------------------------------------------------------------------------

    def run(self, ms, step_ms=STEP_MS):
        end_ms = self.t_ms + ms
        while self.t_ms < end_ms:
            self.step(step_ms)
        return self.state

    def until(self, state, limit_ms=60000):
        """Run until the state is reached; return how long it took."""
        begin_ms = self.t_ms
        while self.state != state:
            if self.t_ms - begin_ms >= limit_ms:
                raise AssertionError("%s, not %s, after %d ms" % (self.state, state, limit_ms))
            self.step(STEP_MS)
        return self.t_ms - begin_ms

    def step(self, dt_ms):
        self.t_ms += dt_ms
        self._move_contactors(dt_ms)
        self._feed_bus()
        if not self.grid.bad:
            self.grid.good_ms += dt_ms
        self.inputs.now_s = self.t_ms // 1000
        self.gate.read(self._feedback(), dt_ms)
        request = self.machine.step(self.inputs, self.settings, dt_ms)
        if self.before_apply is not None:
            self.before_apply()
        permits = 0
        if self.inputs.auto and not self.inputs.bypass:
            permits = (self.inputs.phases & self.inputs.fed) << 1 | (0 if self.grid.bad else K_GRID)
            permits &= ~self.faults.locked
        self.gate.apply(request, permits, self.settings["dead_time_ms"])

    def _move_contactors(self, dt_ms):
        for n in range(4):
            on = bool(self.driver.mask >> n & 1)
            if on and n in self.stuck or not on and n in self.weld | self.hidden:
                on = self.closed[n]
            if on == self.closed[n]:
                self._moving_ms[n] = 0
                continue
            self._moving_ms[n] += dt_ms
            if self._moving_ms[n] >= MOVE_MS:
                self.closed[n] = on
        if self.closed[0] and any(self.closed[1:]):
            self.joined_ms += dt_ms

    def _feed_bus(self):
        self.buses.load = set(self.held)
        for phase in range(3):
            from_grid = self.closed[0] and 0 not in self.no_contact and phase in self.buses.grid
            from_backup = (
                self.closed[phase + 1] and phase + 1 not in self.no_contact and phase in self.buses.backup
            )
            if from_grid or from_backup:
                self.buses.load.add(phase)

    def _feedback(self):
        mask = 0
        for n in range(4):
            armature = bool(self.driver.mask >> n & 1) and n not in self.stuck
            seen = armature if n in self.hidden else self.closed[n]
            if seen or n in self.aux:
                mask |= 1 << n
        return mask


def on_grid(**settings):
    """Return a bench whose house is on the grid."""
    bench = Bench(**settings)
    bench.until("grid")
    bench.run(300)
    return bench


def on_backup(**settings):
    """Return a bench whose house is on the battery, every phase supplied."""
    bench = on_grid(**settings)
    bench.fail_grid()
    bench.until("backup")
    bench.run(1500)
    assert bench.driver.mask == 14, bench.driver.mask
    return bench

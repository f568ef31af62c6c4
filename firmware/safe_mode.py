"""What is left of the box after it has crashed again and again: coils off, and answers for the master.

Nothing is measured and nothing decided. The register map is the usual one; it shows the state `fault` with
the fault `crashed`, and zeros for everything measured. `reset_faults` = 1, or a reset by hand, tries again.
"""

from firmware import ticks
from firmware.measure.energy import Energy
from firmware.measure.readings import Readings
from firmware.publish.access import Access
from firmware.publish.modbus import ModbusSlave
from firmware.publish.registers import Registers
from firmware.publish.service import Service, identity
from firmware.signals import FAULT, FAULT_CRASHED, IN_DIP_SHIFT, NOT_MEASURED, WARN_BENCH
from firmware.store import crash_log
from firmware.store.kept import Kept
from firmware.store.settings import SettingsError, Staging, defaults
from firmware.supervise.battery import Battery


class Halted:
    """Stands in for the box where the registers look: a box that is off and measures nothing."""

    state = FAULT
    state_reason = NOT_MEASURED
    failing_phase = 0
    countdown_s = 0
    coils = 0
    phases_supplied = 0
    dip_changed = 0
    lost_blocks = 0
    bench_grid = 0
    settings_pending = 0
    pv_frequency_mhz = 0
    soc_age_s = 0xFFFF
    faults = FAULT_CRASHED
    bad_channels = (0, 0, 0)
    request_age_s = 0
    clock_s = 0
    test_s = 0

    def __init__(self, board) -> None:
        self.synthetic = board.synthetic
        self.warnings = WARN_BENCH if board.synthetic else 0
        inputs = board.inputs.read()
        self.feedback = inputs & 15
        self.dip = inputs >> IN_DIP_SHIFT & 15
        self.uptime_s = 0
        self.access = Access()
        self.battery = Battery()
        self.readings = Readings()
        self.energy = Energy()
        self.leave = False
        kept = Kept(board.storage)
        try:
            self.settings = kept.load_settings(())
        except SettingsError:
            self.settings = defaults()
        counts = kept.load_energy()
        if counts:
            self.energy.restore(counts)
        self.staging = Staging(self.settings, ())

    def set_soc(self, percent: int) -> None:
        """Take it, and do nothing with it."""
        self.battery.tell(percent)

    def reset_faults(self) -> None:
        """Somebody has seen it: try again."""
        self.leave = True

    def commit(self) -> str:
        """Settings stay as they are until the box runs."""
        return "the box is in safe mode"

    def set_clock(self, seconds: int) -> None:
        """Nothing here needs the time."""

    def clear_energy(self) -> None:
        """Energy stays as it is until the box runs."""

    def test_transfer(self, seconds: int) -> bool:
        """Nothing is switched here."""
        return False

    def play(self, scene: int) -> None:
        """There is no grid to be played with."""


class SafeMode:
    """Answers the master and shows why, turn by turn."""

    def __init__(self, board) -> None:
        self.board = board
        self.halted = Halted(board)
        self._registers = Registers(self.halted)
        settings = self.halted.settings
        board.port.configure(settings["baud_rate"], settings["line_format"])
        self._slave = ModbusSlave(
            board.port,
            self._registers,
            settings["unit_address"],
            settings["baud_rate"],
            settings["line_format"],
            Service(identity(board.name, board.synthetic)),
        )
        reason = crash_log.read(board.storage).split("\n")[-1]
        self._lines = [
            "SAFE MODE, COILS OFF",
            "%-20s" % reason[:20],
            "%-20s" % reason[20:40],
            "%-20s" % ("%d restarts" % board.restarts.count),
        ]
        self.reason = reason
        self._last_us = -1
        self._rest_us = 0

    def step(self, now_us: int) -> bool:
        """Do one turn; True when it is time to leave: the faults were reset and the reply is out."""
        board = self.board
        board.coils.write(0, board.coils.trips)
        if self._last_us < 0:
            self._last_us = now_us
        self._rest_us += max(0, ticks.diff(now_us, self._last_us))
        self._last_us = now_us
        if self._rest_us >= 1000000:
            self._rest_us -= 1000000
            self.halted.uptime_s += 1
            self._registers.renew_status()
        self._slave.step(now_us)
        self._registers.step()
        board.watchdog.feed()
        if board.display is not None:
            board.display.show(self._lines)
        return self.halted.leave and not board.port.sending(now_us)


def stay(board) -> None:
    """Stay in safe mode until it is left by the master, or by Ctrl-C at the console."""
    terminal = board.console
    try:
        mode = SafeMode(board)
        board.restarts.running()
        terminal.write(
            "backup box: SAFE MODE after %d crashes, coils off: %s" % (board.restarts.count, mode.reason)
        )
        while not mode.step(board.ticks_us()):
            if terminal.step() is not None:
                for line in ["safe mode; crashes, the newest last:"] + crash_log.read(board.storage).split(
                    "\n"
                ):
                    terminal.write(line)
        board.restarts.clear()
        board.reset()
    except KeyboardInterrupt:
        board.restarts.stop_watchdog()
        print("backup box: stopped at the console, coils off; a reset starts it again")
    finally:
        board.coils.write(0, board.coils.trips)

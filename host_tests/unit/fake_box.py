"""A box as the publish layer sees it: real settings, staging and event log, everything else plain values."""

from firmware.publish.access import Access
from firmware.publish.events import EventLog
from firmware.publish.profiles import Profiles
from firmware.publish.service import identity
from firmware.store.settings import Staging, defaults


class Readings:
    """Different numbers everywhere, so that no register can be taken for another."""

    def __init__(self) -> None:
        self.v_cv = [23012, 23100, 22950]
        self.u_cv = [22800, 22825, 22850]
        self.b_cv = [23000, 22975, 0]
        self.i_ma = [1234, 62999, 0]
        self.pv_i_ma = [4000, 5000, 6500]
        self.grid_p_cw = [28400, -1450004, 0, -1421606]
        self.grid_q_cvar = [1000, -2000, 3000, 2000]
        self.grid_s_cva = [28420, 1455310, 0, 1483730]
        self.grid_pf_mil = [999, -996, 0, -958]
        self.pv_p_cw = [91200, 114000, 148200, 353400]
        self.pv_q_cvar = [100, 200, 300, 600]
        self.pv_s_cva = [91210, 114010, 148210, 353430]
        self.pv_pf_mil = [1000, 1000, 999, 1000]
        self.frequency_mhz = 49987


class Energy:
    """Counters in Wh."""

    def __init__(self) -> None:
        self.grid_import = [1, 2, 3, 70000]
        self.grid_export = [4, 5, 6, 80000]
        self.pv = [7, 8, 9, 3000000000]


class Battery:
    """Never told."""

    def __init__(self) -> None:
        self.soc = -1
        self.age = 65535


def priorities_differ(values: dict) -> str:
    """A rule of the whole set, in the place of the real one."""
    if values["load_management_enable"] and values["priority_l1"] == values["priority_l2"]:
        return "priorities must differ"
    return ""


class FakeBox:
    """Counts what the master makes it do. `slave`, once set, is configured by a commit as by the real box."""

    def __init__(self) -> None:
        self.board_name = "test"
        self.synthetic = False
        self.readings = Readings()
        self.energy = Energy()
        self.battery = Battery()
        self.log = EventLog()
        self.staging = Staging(defaults(), (priorities_differ,))
        self.state = 1
        self.state_reason = 0
        self.failing_phase = 0
        self.countdown_s = 0
        self.pv_frequency_mhz = 49987
        self.bad_channels = (0, 0, 0)
        self.channel_texts: list = []
        self.bench_grid = 0
        self.coils = 1
        self.feedback = 1
        self.phases_supplied = 7
        self.dip = 8
        self.dip_changed = 0
        self.faults = 0
        self.warnings = 0
        self.lost_blocks = 0
        self.uptime_s = 100000
        self.refusal = ""
        self.slave = None
        self.profiles = Profiles(self)
        self.phases = 3
        self.serial = b"0123456789abcdef"
        self.identity = identity("test", False)
        self.access = Access()
        self.request_age_s = 0
        self.clock_s = 0
        self.test_s = 0
        self.cleared = 0
        self.commits = 0
        self.resets = 0

    @property
    def settings(self) -> dict:
        return self.staging.running

    @property
    def soc_age_s(self) -> int:
        return self.battery.age

    @property
    def settings_pending(self) -> int:
        return len(self.staging.staged)

    def commit(self) -> str:
        self.refusal = self.staging.commit()
        self.commits += 1
        if not self.refusal and self.slave is not None:
            self._configure()
        return self.refusal

    def change(self, values: dict) -> str:
        self.refusal = self.staging.change(values)
        if not self.refusal and self.slave is not None:
            self._configure()
        return self.refusal

    def _configure(self) -> None:
        settings = self.settings
        units = self.profiles.units(settings)
        self.slave.configure(settings["unit_address"], settings["baud_rate"], settings["line_format"], units)

    @property
    def locked(self) -> bool:
        return bool(self.settings["write_lock"]) and not self.access.open_s(self.uptime_s)

    def clear_energy(self) -> None:
        self.cleared += 1

    def test_transfer(self, seconds: int) -> bool:
        assert seconds == 0 or 10 <= seconds <= 600
        if seconds:
            self.test_s = seconds if self.state == 1 else 0
        return self.state == 1

    def set_clock(self, seconds: int) -> None:
        self.clock_s = seconds

    def set_soc(self, percent: int) -> None:
        assert 0 <= percent <= 100
        self.battery.soc = percent
        self.battery.age = 0

    def play(self, scene: int) -> None:
        assert self.synthetic and 0 <= scene <= 6
        self.bench_grid = scene

    def reset_faults(self) -> None:
        self.resets += 1
        self.faults = 0

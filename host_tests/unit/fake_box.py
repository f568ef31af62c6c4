"""A box as the publish layer sees it: real settings, staging and event log, everything else plain values."""

from firmware.publish.events import EventLog
from firmware.store.settings import Staging, defaults


class Readings:
    """Different numbers everywhere, so that no register can be taken for another."""

    def __init__(self) -> None:
        self.v = [230.12, 231.0, 229.5]
        self.u = [228.0, 228.25, 228.5]
        self.b = [230.0, 229.75, 0.0]
        self.i = [1.234, 62.999, 0.0]
        self.pv_i = [4.0, 5.0, 6.5]
        self.grid_p = [284.0, -14500.04, 0.0, -14216.06]
        self.grid_q = [10.0, -20.0, 30.0, 20.0]
        self.grid_s = [284.2, 14553.1, 0.0, 14837.3]
        self.grid_pf = [0.999, -0.996, 0.0, -0.958]
        self.pv_p = [912.0, 1140.0, 1482.0, 3534.0]
        self.pv_q = [1.0, 2.0, 3.0, 6.0]
        self.pv_s = [912.1, 1140.1, 1482.1, 3534.3]
        self.pv_pf = [1.0, 1.0, 0.999, 0.9995]
        self.frequency = 49.987


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

    def age_s(self) -> int:
        return self.age


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
        self.commits = 0
        self.resets = 0

    @property
    def settings(self) -> dict:
        return self.staging.running

    def commit(self) -> str:
        self.refusal = self.staging.commit()
        self.commits += 1
        if not self.refusal and self.slave is not None:
            self.slave.configure(self.settings["unit_address"], self.settings["baud_rate"])
        return self.refusal

    def set_soc(self, percent: int) -> None:
        assert 0 <= percent <= 100
        self.battery.soc = percent
        self.battery.age = 0

    def reset_faults(self) -> None:
        self.resets += 1
        self.faults = 0

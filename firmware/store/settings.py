"""The settings: default, bounds and unit of each, checked as a whole before any of them takes effect.

All values are integers, so that one is the same in a file, in a register and in a comparison.
"""


class SettingsError(ValueError):
    """A setting or a set of settings was refused; the text says which and why."""


# key, default, lowest, highest, unit, meaning
SPEC = (
    ("unit_address", 1, 1, 247, "", "Modbus unit address"),
    ("baud_rate", 9600, 9600, 115200, "Bd", "Modbus baud rate: 9600, 19200, 38400, 57600 or 115200"),
    ("pv_meter_enable", 1, 0, 1, "", "serve the PV meter: 1 yes, 0 no"),
    ("backup_phases", 7, 1, 7, "", "phases that the backup output feeds, bits 0 to 2"),
    ("load_management_enable", 0, 0, 1, "", "drop phases by state of charge in backup: 1 yes, 0 no"),
    ("priority_l1", 0, 0, 3, "", "priority of L1, 1 highest; 0 not entered"),
    ("priority_l2", 0, 0, 3, "", "priority of L2, 1 highest; 0 not entered"),
    ("priority_l3", 0, 0, 3, "", "priority of L3, 1 highest; 0 not entered"),
    ("soc_min_l1", 0, 0, 100, "%", "L1 is off below this state of charge; 10 to 100, 0 not entered"),
    ("soc_min_l2", 0, 0, 100, "%", "L2 is off below this state of charge; 10 to 100, 0 not entered"),
    ("soc_min_l3", 0, 0, 100, "%", "L3 is off below this state of charge; 10 to 100, 0 not entered"),
    ("soc_hysteresis", 5, 1, 20, "%", "a dropped phase returns this much above its limit"),
    ("restore_gap_s", 60, 60, 600, "s", "least time between two restored phases"),
    ("soc_stale_s", 60, 10, 600, "s", "a state of charge older than this is stale"),
    ("undervoltage_dv", 1840, 1610, 2070, "0.1 V", "grid bad below this"),
    ("overvoltage_dv", 2645, 2420, 2760, "0.1 V", "grid bad above this"),
    ("return_low_dv", 1955, 1840, 2200, "0.1 V", "grid good again above this"),
    ("return_high_dv", 2530, 2400, 2645, "0.1 V", "grid good again below this"),
    ("frequency_low_chz", 4750, 4700, 4950, "0.01 Hz", "grid bad below this"),
    ("frequency_high_chz", 5150, 5050, 5200, "0.01 Hz", "grid bad above this"),
    ("return_frequency_low_chz", 4760, 4710, 4980, "0.01 Hz", "grid good again above this"),
    ("return_frequency_high_chz", 5140, 5020, 5190, "0.01 Hz", "grid good again below this"),
    ("confirm_ms", 100, 90, 500, "ms", "a voltage or frequency outside its limit counts after this"),
    ("qualification_ms", 2000, 1000, 60000, "ms", "the grid is good after this long without a break"),
    ("return_delay_s", 310, 60, 900, "s", "return delay with DIP 4 ON or after too many transfers"),
    ("dead_time_ms", 50, 30, 1000, "ms", "between the opening of one side and the closing of the other"),
    ("stagger_ms", 200, 50, 2000, "ms", "between the closing of two backup phases"),
    ("feedback_ms", 500, 100, 1000, "ms", "a contactor must have confirmed by then"),
    ("retry_s", 10, 5, 120, "s", "wait before a failed switching is tried again"),
    ("backup_low_dv", 1955, 1840, 2200, "0.1 V", "backup output usable above this"),
    ("backup_high_dv", 2530, 2400, 2645, "0.1 V", "backup output usable below this"),
    ("dead_bus_dv", 500, 100, 1000, "0.1 V", "a phase of the load bus counts as dead below this"),
)

BAUD_RATES = (9600, 19200, 38400, 57600, 115200)
# Each pair must rise: a grid that is bad must not be good at the same time.
_RISING = (
    ("undervoltage_dv", "return_low_dv"),
    ("return_low_dv", "return_high_dv"),
    ("return_high_dv", "overvoltage_dv"),
    ("frequency_low_chz", "return_frequency_low_chz"),
    ("return_frequency_low_chz", "return_frequency_high_chz"),
    ("return_frequency_high_chz", "frequency_high_chz"),
    ("backup_low_dv", "backup_high_dv"),
)


def defaults() -> dict:
    """Return a fresh set of all settings at their defaults."""
    return {row[0]: row[1] for row in SPEC}


def check_one(key: str, value: int) -> str:
    """Return why `value` cannot be the setting `key`, or an empty string."""
    for name, _default, low, high, unit, _meaning in SPEC:
        if name != key:
            continue
        if not isinstance(value, int) or isinstance(value, bool):
            return "%s must be a whole number" % key
        if not low <= value <= high:
            return "%s must be %d to %d %s, not %d" % (key, low, high, unit, value)
        if key == "baud_rate" and value not in BAUD_RATES:
            return "baud_rate must be one of %s, not %d" % (", ".join(map(str, BAUD_RATES)), value)
        if key.startswith("soc_min") and 0 < value < 10:
            return "%s must be 10 to 100 %%, not %d" % (key, value)
        return ""
    return "there is no setting %s" % key


def check(values: dict, rules: tuple = ()) -> str:
    """Return why the set `values` is refused, or an empty string.

    `rules` are further functions of the whole set with the same kind of answer, from the packages
    that know what the settings mean.
    """
    for row in SPEC:
        if row[0] not in values:
            return "%s is missing" % row[0]
    for key in values:
        reason = check_one(key, values[key])
        if reason:
            return reason
    for low, high in _RISING:
        if not values[low] < values[high]:
            return "%s (%d) must be below %s (%d)" % (low, values[low], high, values[high])
    for rule in rules:
        reason = rule(values)
        if reason:
            return reason
    return ""


class Staging:
    """Settings as they run, and the changes that wait for a commit.

    A staged value reads back at once (`get`), but takes effect only on `commit`, together with all
    others and only if the whole set passes; a refused set is dropped whole.
    """

    def __init__(self, running: dict, rules: tuple = ()) -> None:
        self.running = running
        self.rules = rules
        self.staged: dict = {}

    def get(self, key: str) -> int:
        """Return the staged value, or the running one where nothing is staged."""
        return self.staged.get(key, self.running[key])

    def stage(self, key: str, value: int) -> str:
        """Keep a value for the next commit; return why it cannot be, or an empty string."""
        reason = check_one(key, value)
        if not reason:
            self.staged[key] = value
        return reason

    def commit(self) -> str:
        """Make the staged values the running ones, all or none; return why not, or an empty string."""
        whole = dict(self.running)
        whole.update(self.staged)
        self.staged = {}
        reason = check(whole, self.rules)
        if not reason:
            self.running = whole
        return reason

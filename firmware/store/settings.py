"""The settings: default, bounds and unit of each, checked as a whole before any of them takes effect.

All values are integers, so that one is the same in a file, in a register and in a comparison.
"""


class SettingsError(ValueError):
    """A setting or a set of settings was refused; the text says which and why."""


def _spec_row(default: int, low: int, high: int, **key_and_unit: str) -> tuple:
    """Return (key, default, lowest, highest, unit).

    As the name of an argument a key is kept once for all modules; as a string it would be once in each.
    """
    key = list(key_and_unit)[0]
    return key, default, low, high, key_and_unit[key]


# Default, lowest, highest, key="unit". What each one means: tools/register_list.py.
SPEC = (
    _spec_row(1, 1, 247, unit_address=""),
    _spec_row(9600, 1200, 115200, baud_rate="Bd"),
    _spec_row(1, 0, 1, pv_meter_enable=""),
    _spec_row(7, 1, 7, backup_phases=""),
    _spec_row(0, 0, 1, load_management_enable=""),
    _spec_row(0, 0, 3, priority_l1=""),
    _spec_row(0, 0, 3, priority_l2=""),
    _spec_row(0, 0, 3, priority_l3=""),
    _spec_row(0, 0, 100, soc_min_l1="%"),
    _spec_row(0, 0, 100, soc_min_l2="%"),
    _spec_row(0, 0, 100, soc_min_l3="%"),
    _spec_row(5, 1, 20, soc_hysteresis="%"),
    _spec_row(60, 60, 600, restore_gap_s="s"),
    _spec_row(60, 10, 600, soc_stale_s="s"),
    _spec_row(1840, 1610, 2070, undervoltage_dv="0.1 V"),
    _spec_row(2645, 2420, 2760, overvoltage_dv="0.1 V"),
    _spec_row(1955, 1840, 2200, return_low_dv="0.1 V"),
    _spec_row(2530, 2400, 2645, return_high_dv="0.1 V"),
    _spec_row(4750, 4700, 4950, frequency_low_chz="0.01 Hz"),
    _spec_row(5150, 5050, 5200, frequency_high_chz="0.01 Hz"),
    _spec_row(4760, 4710, 4980, return_frequency_low_chz="0.01 Hz"),
    _spec_row(5140, 5020, 5190, return_frequency_high_chz="0.01 Hz"),
    _spec_row(100, 90, 500, confirm_ms="ms"),
    _spec_row(2000, 1000, 60000, qualification_ms="ms"),
    _spec_row(310, 60, 900, return_delay_s="s"),
    _spec_row(50, 30, 1000, dead_time_ms="ms"),
    _spec_row(200, 50, 2000, stagger_ms="ms"),
    _spec_row(500, 100, 1000, feedback_ms="ms"),
    _spec_row(10, 5, 120, retry_s="s"),
    _spec_row(1955, 1840, 2200, backup_low_dv="0.1 V"),
    _spec_row(2530, 2400, 2645, backup_high_dv="0.1 V"),
    _spec_row(500, 100, 1000, dead_bus_dv="0.1 V"),
    _spec_row(0, 0, 3, line_format=""),
    _spec_row(0, 0, 1, write_lock=""),
    _spec_row(60, 0, 3600, master_lost_s="s"),
    _spec_row(0, 0, 247, sdm_grid_address=""),
    _spec_row(0, 0, 247, sdm_pv_address=""),
    _spec_row(0, 0, 247, sunspec_grid_address=""),
    _spec_row(0, 0, 247, sunspec_pv_address=""),
)

BAUD_RATES = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
# The unit addresses that must differ, where they are not 0 (off).
_ADDRESSES = (
    "unit_address",
    "sdm_grid_address",
    "sdm_pv_address",
    "sunspec_grid_address",
    "sunspec_pv_address",
)
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


def check_row(row: tuple, value: int) -> str:
    """Return why `value` cannot be the setting of this row of SPEC, or an empty string."""
    key, _default, low, high, unit = row
    if not isinstance(value, int) or isinstance(value, bool):
        return "%s must be a whole number" % key
    if not low <= value <= high:
        return "%s must be %d to %d %s, not %d" % (key, low, high, unit, value)
    if key == "baud_rate" and value not in BAUD_RATES:
        return "baud_rate must be one of %s, not %d" % (", ".join(map(str, BAUD_RATES)), value)
    if key.startswith("soc_min") and 0 < value < 10:
        return "%s must be 10 to 100 %%, not %d" % (key, value)
    return ""


def check(values: dict, rules: tuple = ()) -> str:
    """Return why the set `values` is refused, or an empty string.

    `rules` are further functions of the whole set with the same kind of answer, from the packages
    that know what the settings mean.
    """
    for row in SPEC:
        if row[0] not in values:
            return "%s is missing" % row[0]
        reason = check_row(row, values[row[0]])
        if reason:
            return reason
    if len(values) > len(SPEC):
        known = [row[0] for row in SPEC]
        return "there is no setting %s" % [key for key in values if key not in known][0]
    for low, high in _RISING:
        if not values[low] < values[high]:
            return "%s (%d) must be below %s (%d)" % (low, values[low], high, values[high])
    used: dict = {}
    for key in _ADDRESSES:
        address = values[key]
        if address in used:
            return "%s and %s must not both be %d" % (used[address], key, address)
        if address:
            used[address] = key
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
        self.staged: dict = {}  # values that have been checked, to be filled from outside: `changed` then
        self.changes = 0  # of what `get` returns

    def get(self, key: str) -> int:
        """Return the staged value, or the running one where nothing is staged."""
        return self.staged.get(key, self.running[key])

    def changed(self) -> None:
        """Count that `staged` was changed."""
        self.changes = (self.changes + 1) & 0x3FFFFFFF

    def commit(self) -> str:
        """Make the staged values the running ones, all or none; return why not, or an empty string."""
        values, self.staged = self.staged, {}
        return self.change(values)

    def change(self, values: dict) -> str:
        """Make some values running ones, all or none, whatever is staged; return why not, or ''."""
        whole = dict(self.running)
        whole.update(values)
        self.changed()
        reason = check(whole, self.rules)
        if not reason:
            self.running = whole
        return reason

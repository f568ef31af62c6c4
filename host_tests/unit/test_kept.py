"""What survives a restart: settings, calibration and energy, and what happens when it does not."""

from firmware.store.kept import Kept
from firmware.store.records import pack
from firmware.store.settings import SettingsError, defaults

COUNTS = [[1, 2, 3, 6], [0, 0, 0, 0], [7, 8, 9, 24]]


class Shelf:
    """A storage in memory."""

    def __init__(self):
        self.records = {}

    def read(self, name):
        return self.records.get(name)

    def write(self, name, content):
        self.records[name] = content


def _refused(call, *args):
    try:
        call(*args)
    except SettingsError as error:
        return str(error)
    raise AssertionError("not refused")


def test_an_empty_storage_gives_the_defaults():
    kept = Kept(Shelf())
    assert kept.load_settings(()) == defaults()
    assert kept.load_calibration() == {} and kept.load_energy() == []
    assert kept.damaged == 0


def test_settings_survive():
    shelf = Shelf()
    values = defaults()
    values["unit_address"] = 42
    Kept(shelf).save_settings(values)
    assert Kept(shelf).load_settings(()) == values


def test_settings_of_another_version():
    """A new setting gets its default, one that is gone is left out."""
    shelf = Shelf()
    stored = defaults()
    del stored["stagger_ms"]
    stored["unit_address"] = 42
    stored["was_once"] = 1
    shelf.records["settings.a"] = pack(1, stored)
    values = Kept(shelf).load_settings(())
    assert values["stagger_ms"] == 200 and values["unit_address"] == 42 and "was_once" not in values


def test_stored_settings_that_break_a_rule_are_refused_with_the_reason():
    for key, value in (
        ("unit_address", 0),
        ("unit_address", 1.5),
        ("unit_address", "1"),
        ("return_low_dv", 1840),
    ):
        shelf = Shelf()
        stored = defaults()
        stored[key] = value
        shelf.records["settings.a"] = pack(1, stored)
        assert key in _refused(Kept(shelf).load_settings, ()), (key, value)
    shelf = Shelf()
    Kept(shelf).save_settings(defaults())
    assert "because" in _refused(Kept(shelf).load_settings, (lambda values: "because",))


def test_unreadable_settings_and_calibration_are_refused_and_counted():
    shelf = Shelf()
    shelf.records["settings.a"] = b"?"
    shelf.records["settings.b"] = b"?"
    shelf.records["calibration.b"] = b"?"
    kept = Kept(shelf)
    assert "settings" in _refused(kept.load_settings, ())
    assert "calibration" in _refused(kept.load_calibration)
    assert kept.damaged == 3


def test_one_damaged_slot_is_counted_and_the_other_used():
    shelf = Shelf()
    kept = Kept(shelf)
    kept.save_settings(defaults())
    kept.save_energy(COUNTS)
    shelf.records["settings.b"] = b"?"
    shelf.records["energy.b"] = b"?"
    kept = Kept(shelf)
    assert kept.load_settings(()) == defaults() and kept.load_energy() == COUNTS
    assert kept.damaged == 2


def test_calibration_rows():
    shelf = Shelf()
    rows = {"V1": {"gain": 0.2}}
    shelf.records["calibration.a"] = pack(1, rows)
    assert Kept(shelf).load_calibration() == rows


def test_energy_survives():
    shelf = Shelf()
    Kept(shelf).save_energy(COUNTS)
    assert Kept(shelf).load_energy() == COUNTS


def test_energy_that_is_damaged_or_makes_no_sense_is_no_energy():
    shelf = Shelf()
    shelf.records["energy.a"] = b"?"
    kept = Kept(shelf)
    assert kept.load_energy() == [] and kept.damaged == 1
    for content in (
        {},
        {"wh": 5},
        {"wh": COUNTS[:2]},
        {"wh": [[1, 2, 3]] * 3},
        {"wh": [[1, 2, 3, -1]] * 3},
        {"wh": [[1, 2, 3, 4.5]] * 3},
        {"wh": [5, 5, 5]},
        {"wh": [["1", 2, 3, 4]] * 3},
    ):
        shelf = Shelf()
        shelf.records["energy.a"] = pack(1, content)
        assert Kept(shelf).load_energy() == [], content

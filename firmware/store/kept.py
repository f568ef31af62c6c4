"""What the box keeps over a restart: settings, calibration, energy counts."""

from firmware.store.records import Record, RecordError
from firmware.store.settings import SettingsError, check, defaults


class Kept:
    """The records of a box on one storage."""

    def __init__(self, storage) -> None:
        self._settings = Record(storage, "settings")
        self._calibration = Record(storage, "calibration")
        self._energy = Record(storage, "energy")

    def load_settings(self, rules: tuple) -> dict:
        """Return the stored settings, defaults for those that were never stored.

        Raises SettingsError with the reason when what is stored cannot be used.
        """
        try:
            stored = self._settings.load()
        except RecordError as error:
            raise SettingsError(str(error))  # noqa: B904  MicroPython has no "from"
        values = defaults()
        if stored:
            for key in values:  # a setting that this version no longer has is left out
                values[key] = stored.get(key, values[key])
        reason = check(values, rules)
        if reason:
            raise SettingsError("stored settings: " + reason)
        return values

    def save_settings(self, values: dict) -> None:
        """Keep a checked set. Raises OSError as the storage does."""
        self._settings.save(values)

    def load_calibration(self) -> dict:
        """Return the stored calibration rows, empty when there are none. Raises SettingsError."""
        try:
            return self._calibration.load() or {}
        except RecordError as error:
            raise SettingsError(str(error))  # noqa: B904

    def save_calibration(self, rows: dict) -> None:
        """Keep calibration rows. Raises OSError as the storage does."""
        self._calibration.save(rows)

    def load_energy(self) -> list:
        """Return the stored energy counts, empty when there are none or none is intact."""
        try:
            stored = self._energy.load() or {}
        except RecordError:
            return []
        counts = stored.get("wh", [])
        sound = (
            isinstance(counts, list)
            and len(counts) == 3
            and all(
                isinstance(row, list) and len(row) == 4 and all(isinstance(wh, int) and wh >= 0 for wh in row)
                for row in counts
            )
        )
        return counts if sound else []

    def save_energy(self, counts: list) -> None:
        """Keep the energy counts. Raises OSError as the storage does."""
        self._energy.save({"wh": counts})

    @property
    def damaged(self) -> int:
        """Number of damaged slots found while loading."""
        return self._settings.damaged + self._calibration.damaged + self._energy.damaged

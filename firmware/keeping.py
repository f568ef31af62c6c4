"""What survives a restart: loaded at the start, and written at moments that disturb least.

A write stops interrupt and loop for 45 to 400 ms, so it waits for its moment: nothing is being switched, and
the reply to the commit has left the line. Energy is written when K_GRID is open anyway, and four times a day.
"""

from micropython import const

from firmware import ticks
from firmware.acquire.calibration import Calibration, CalibrationError
from firmware.signals import BACKUP, BYPASS, OFF
from firmware.store.kept import Kept
from firmware.store.settings import SettingsError, defaults

_ENERGY_MS = const(21600000)
_GAP_MS = const(600000)  # however often the state changes: flash wears


class Keeping:
    """Settings, calibration and energy counts of a box on one storage."""

    def __init__(self, storage, log) -> None:
        self.reason = ""  # why what was stored cannot be used
        self.writing_failed = False
        self._kept = Kept(storage)
        self._log = log
        self._settings: dict = {}  # to be written
        self._calibration_refused = False
        self._energy_ms = _GAP_MS  # since the last write
        self._state = -1

    @property
    def doubtful(self) -> bool:
        """True when a write failed or a copy is damaged."""
        return self.writing_failed or bool(self._kept.damaged)

    # -- at the start ---------------------------------------------------------------------------------

    def load_settings(self, rules: tuple) -> dict:
        """Return the stored settings, the defaults where they cannot be used."""
        try:
            return self._kept.load_settings(rules)
        except SettingsError as error:
            self.reason = str(error)
            return defaults()

    def load_calibration(self) -> Calibration:
        """Return the stored calibration, that of the reference front end where it cannot be used."""
        calibration = Calibration()
        try:
            calibration.load(self._kept.load_calibration())
        except (SettingsError, CalibrationError) as error:
            self._calibration_refused = True
            self.reason = "stored calibration: " + str(error)
        return calibration

    def load_energy(self) -> list:
        """Return the stored counts, empty when there are none."""
        return self._kept.load_energy()

    # -- while it runs --------------------------------------------------------------------------------

    def keep_settings(self, values: dict) -> None:
        """Have a set written as soon as there is a moment for it."""
        self._settings = values

    def keep_energy(self) -> None:
        """Have the counts written as soon as there is a moment for it."""
        self._energy_ms = _ENERGY_MS

    def accept_loss(self, settings: dict) -> None:
        """Somebody has seen that what was stored is lost: keep what runs now in its place."""
        self.reason = ""
        self.keep_settings(settings)

    def step(self, state: int, energy, quiet: bool, dt_ms: int) -> None:
        """Write one thing that is due, if it is `quiet`: a pause would not matter now.

        `state` is the transfer machine's, `energy` measure/energy.py's.
        """
        self._energy_ms = ticks.advance(self._energy_ms, dt_ms)
        if state != self._state:
            self._state = state
            if state in (BACKUP, OFF, BYPASS) and self._energy_ms >= _GAP_MS:
                self._energy_ms = _ENERGY_MS
        if not quiet:
            return
        if self._settings:
            values, self._settings = self._settings, {}
            self.writing_failed = False
            self._write(self._kept.save_settings, values)
            if self._calibration_refused and not self.reason:
                self._calibration_refused = False
                self._write(self._kept.save_calibration, {})
        elif self._energy_ms >= _ENERGY_MS:
            self._energy_ms = 0
            self._write(self._kept.save_energy, energy.snapshot())

    def _write(self, save, content) -> None:
        try:
            save(content)
        except OSError as error:
            self.writing_failed = True
            self._log.add("store", saved=False, reason=str(error))

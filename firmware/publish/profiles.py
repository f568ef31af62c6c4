"""The meters that the box also is, at unit addresses of their own: those that the settings ask for.

A profile is loaded when it is first asked for; on a Pico it takes 2 to 4 KB of memory.
"""

_LONGEST = 764  # bytes of the largest image: the SDM630's input registers
# Setting that holds the unit address, which profile, whether it shows the PV meter.
_PROFILES = (
    ("sdm_grid_address", "sdm", False),
    ("sdm_pv_address", "sdm", True),
    ("sunspec_grid_address", "sunspec", False),
    ("sunspec_pv_address", "sunspec", True),
)


class Profiles:
    """Makes the profiles of a box and keeps their values new."""

    def __init__(self, box) -> None:
        self._box = box
        self._made: list = []  # (setting, unit address, profile)
        self._desk: tuple = ()  # of all of them: they are renewed one after the other
        self._next = 0  # the one that is being renewed

    @property
    def on(self) -> bool:
        """Whether there is any."""
        return bool(self._made)

    def units(self, settings: dict) -> tuple:
        """Return pairs of unit address and profile, as ModbusSlave takes them."""
        made = []
        for key, kind, pv in _PROFILES:
            address = settings[key]
            if address:
                made.append((key, address, self._find(key, address) or self._make(key, kind, pv)))
        self._made = made
        self._next = len(made)
        self.renew()
        while self.step():
            pass
        return tuple([(address, profile) for _key, address, profile in made])

    def _find(self, key: str, address: int):
        """Return the profile that is there already, at this address."""
        for present, at, profile in self._made:
            if present == key and at == address:
                return profile
        return None

    def _make(self, key: str, kind: str, pv: bool):
        if not self._desk:
            from firmware.publish.meter_image import new_desk

            self._desk = new_desk(_LONGEST)
        if kind == "sdm":
            from firmware.publish.sdm630 import Sdm630

            return Sdm630(self._box, pv, key, self._desk)
        from firmware.publish.sunspec import SunSpec

        return SunSpec(self._box, pv, key, self._desk)

    def renew(self) -> None:
        """A measuring window is done: renew all values from the next `step` on, unless that is under way."""
        if self._made and self._next >= len(self._made):
            self._next = 0
            self._made[0][2].renew()

    def step(self) -> bool:
        """Renew one row; False when there is none left to be renewed."""
        while self._next < len(self._made):
            if self._made[self._next][2].step():
                return True
            self._next += 1
            if self._next < len(self._made):
                self._made[self._next][2].renew()
        return False

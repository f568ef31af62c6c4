"""Contactors with operate and release times, bounce, a mirror contact, and the ways they fail."""

OPERATE_MS = 18.0
RELEASE_MS = 12.0
MIRROR_MS = 2.0  # the mirror contact parts before the main contacts touch, and touches after they parted
BOUNCE_MS = (1.0, 2.2)  # the mirror contact parts and touches once more

NAMES = ("grid", "q1", "q2", "q3")
KINDS = ("weld", "stuck", "aux", "hidden_weld")


class SimContactor:
    """`main` says whether the main contacts conduct, `not_open` what the mirror contact reports.

    Faults: `weld` (the main contacts do not part any more), `stuck` (the armature does not pull in),
    `aux` (the wire of the mirror contact is broken: never "open"), `hidden_weld` (welded, but the
    mirror contact follows the armature and claims "open").
    """

    def __init__(self, name: str, on_change) -> None:
        self.name = name
        self.coil = False
        self.main = False
        self.not_open = False
        self.weld = False
        self.stuck = False
        self.aux = False
        self.hidden_weld = False
        self._contact = False  # the mirror contact itself: True while parted
        self._pending: list = []
        self._on_change = on_change

    def command(self, on: bool, t_ms: float) -> None:
        """Switch the coil."""
        if on == self.coil:
            return
        self.coil = on
        self._pending = []
        if on:
            if self.stuck:
                return
            self._at(t_ms + OPERATE_MS - MIRROR_MS, "_contact", True)
            self._at(t_ms + OPERATE_MS, "main", True)
        else:
            self._at(t_ms + RELEASE_MS, "main", False)
            touch = t_ms + RELEASE_MS + MIRROR_MS
            self._at(touch, "_contact", False)
            self._at(touch + BOUNCE_MS[0], "_contact", True)
            self._at(touch + BOUNCE_MS[1], "_contact", False)

    def _at(self, t_ms: float, what: str, value: bool) -> None:
        self._pending.append((t_ms, what, value))

    def set_fault(self, kind: str, t_ms: float) -> None:
        """Make it fail in one of `KINDS`, or "none": repaired, it follows its coil again."""
        if kind == "none":
            self.weld = self.stuck = self.aux = self.hidden_weld = False
            coil, self.coil = self.coil, not self.coil
            self.command(coil, t_ms)
        else:
            setattr(self, kind, True)
        self._report(t_ms)

    def next_ms(self) -> float:
        """Return when it moves next, infinity when it rests."""
        return self._pending[0][0] if self._pending else float("inf")

    def advance(self, t_ms: float) -> None:
        """Carry out what happens up to and including `t_ms`."""
        while self._pending and self._pending[0][0] <= t_ms:
            at_ms, what, value = self._pending.pop(0)
            if what == "main":
                if not value and (self.weld or self.hidden_weld):
                    continue
                self.main = value
            elif not value and self.weld:
                continue  # a mirror contact cannot touch while a main contact is welded
            else:
                self._contact = value
            self._report(at_ms)

    def _report(self, t_ms: float) -> None:
        seen = self._contact or self.aux
        if seen != self.not_open:
            self.not_open = seen
            self._on_change(self, t_ms)

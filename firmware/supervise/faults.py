"""Latched faults, and the count of failed switchings that ends in a lockout."""

from micropython import const

from firmware.signals import (
    COIL_NAMES,
    FAULT_BUS_LIVE,
    FAULT_LOCKED_SHIFT,
    FAULT_NAMES,
    FAULT_NOT_CLOSED_SHIFT,
    FAULT_NOT_OPEN_SHIFT,
    FAULT_SETTINGS,
    K_GRID,
    Q_ALL,
)

RETRIES = const(3)
WINDOW_S = const(600)


class Faults:
    """Faults stay shown until a reset, also when a retry succeeds.

    A failed switching may be tried again `RETRIES` times within `WINDOW_S`. After that the coil that
    must not be energised any more is locked: the one that does not close, or the other side of the
    one that does not open.
    """

    def __init__(self, log) -> None:
        self.mask = 0
        self._log = log
        self._failures: dict = {}

    @property
    def locked(self) -> int:
        """Mask of the coils that are not energised until a reset."""
        return self.mask >> FAULT_LOCKED_SHIFT & 15

    def not_open(self, coil: int, now_s: int) -> None:
        """Coil number 0 to 3 was told to open and did not; its opposite side pays when it repeats."""
        self._fail(coil, FAULT_NOT_OPEN_SHIFT, Q_ALL if coil == 0 else K_GRID, now_s)

    def not_closed(self, coil: int, now_s: int) -> None:
        """Coil number 0 to 3 was told to close and did not."""
        self._fail(coil, FAULT_NOT_CLOSED_SHIFT, 1 << coil, now_s)

    def bus_live(self, now_s: int) -> None:
        """The load bus stayed live with everything open: neither side may close onto it."""
        self._latch(FAULT_BUS_LIVE)
        self._count(FAULT_BUS_LIVE, K_GRID | Q_ALL, now_s)

    def settings(self, reason: str) -> None:
        """The stored settings cannot be trusted: nothing closes until a reset brings the defaults."""
        self._latch(FAULT_SETTINGS, reason=reason)

    def reset(self) -> None:
        """Operator or master have seen the faults: forget them, the failures and the locks."""
        if self.mask:
            self._log.add("fault", name="reset", on=False)
        self.mask = 0
        self._failures = {}

    def _fail(self, coil: int, shift: int, lock: int, now_s: int) -> None:
        bit = 1 << (shift + coil)
        self._latch(bit, coil=COIL_NAMES[coil])
        self._count(bit, lock, now_s)

    def _latch(self, bit: int, **fields) -> None:
        self.mask |= bit
        self._log.add("fault", name=_name(bit), on=True, **fields)

    def _count(self, bit: int, lock: int, now_s: int) -> None:
        recent = [t for t in self._failures.get(bit, ()) if now_s - t < WINDOW_S]
        recent.append(now_s)
        self._failures[bit] = recent
        if len(recent) > RETRIES:
            for coil in range(4):
                locked = 1 << (coil + FAULT_LOCKED_SHIFT)
                if lock >> coil & 1 and not self.mask & locked:
                    self._latch(locked, coil=COIL_NAMES[coil])


def _name(bit: int) -> str:
    number = 0
    while not bit >> number & 1:
        number += 1
    return FAULT_NAMES[number]

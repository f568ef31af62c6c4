"""The three contactors of the backup side: closed one after the other, each watched for itself."""

from micropython import const

from firmware.ticks import advance

# The load bus may be held up this long after it was separated: an external inverter has two seconds to
# notice the islanding (VDE-AR-N 4105), motors run down faster.
LIVE_MS = const(5000)
# A closed contactor must have brought its voltage by then (the level looks back 15 ms).
VOLTAGE_MS = const(200)


class BackupSide:
    """Which Qs are wanted. One that fails is dropped alone and tried again; the others go on."""

    def __init__(self, gate, buses, faults) -> None:
        self._gate = gate
        self._buses = buses
        self._faults = faults
        self._hold_ms = [0, 0, 0]  # before a Q that failed is tried again
        self._live_ms = [0, 0, 0]
        self._dark_ms = [0, 0, 0]
        self._gap_ms = 0  # since the last Q was closed
        self._reported = 0  # contactors whose failure to open is latched already

    def reset(self) -> None:
        """The faults were reset: no more waiting for a retry."""
        self._hold_ms = [0, 0, 0]
        self._reported = 0

    def begin(self, stagger_ms: int) -> None:
        """Backup begins: the first phase may close at once."""
        self._gap_ms = stagger_ms
        self._live_ms = [0, 0, 0]
        self._dark_ms = [0, 0, 0]

    def serve(self, request: int, allowed: int, now_s: int, settings: dict, dt_ms: int) -> int:
        """Return the wanted Qs: `request` as it stands, changed for the phases `allowed` (bits 0 to 2)."""
        self._gap_ms = advance(self._gap_ms, dt_ms)
        for n in range(3):
            bit = 2 << n
            self._hold_ms[n] = max(0, self._hold_ms[n] - dt_ms)
            self._report_stuck(n, now_s, settings)
            if not allowed >> n & 1 or self._faults.locked & bit:
                request &= ~bit
            elif request & bit:
                if self._failed_to_close(n, settings, dt_ms):
                    request &= ~bit
                    self._retry_later(n, settings)
                    self._faults.not_closed(n + 1, now_s)
            elif not self._hold_ms[n] and self._gap_ms >= settings["stagger_ms"]:
                if self._buses.load_dead(n):
                    self._live_ms[n] = 0
                    self._gap_ms = 0
                    request |= bit
                elif not self._gate.contactors[n + 1].not_open:
                    self._live_ms[n] = advance(self._live_ms[n], dt_ms)
                    if self._live_ms[n] >= LIVE_MS:  # confirmed open, and yet there is voltage
                        self._retry_later(n, settings)
                        self._faults.not_open(n + 1, now_s)
        return request

    def _retry_later(self, n: int, settings: dict) -> None:
        self._hold_ms[n] = settings["retry_s"] * 1000
        self._live_ms[n] = 0
        self._dark_ms[n] = 0

    def _report_stuck(self, n: int, now_s: int, settings: dict) -> None:
        contactor = self._gate.contactors[n + 1]
        bit = 2 << n
        if contactor.commanded or not contactor.not_open:
            self._reported &= ~bit
        elif contactor.wrong_ms >= settings["feedback_ms"] and not self._reported & bit:
            self._reported |= bit
            self._faults.not_open(n + 1, now_s)

    def _failed_to_close(self, n: int, settings: dict, dt_ms: int) -> bool:
        contactor = self._gate.contactors[n + 1]
        if not contactor.commanded:
            return False
        missing = contactor.closed and self._buses.backup_live(n) and not self._buses.load_live(n)
        self._dark_ms[n] = advance(self._dark_ms[n], dt_ms) if missing else 0
        return contactor.wrong_ms >= settings["feedback_ms"] or self._dark_ms[n] >= VOLTAGE_MS

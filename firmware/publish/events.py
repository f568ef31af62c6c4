"""The event log: what happened, when and why, the newest entries in RAM."""

from micropython import const

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from collections.abc import Callable


class EventLog:
    """A bounded list of events `(t_ms, event, fields)`, oldest dropped first.

    `t_ms` is the uptime in milliseconds; `fields` a small dict of names, numbers and reasons. The
    `listener`, if there is one, gets each event as it happens (a console, a simulator, a file). On a
    `bench` board every event says so.
    """

    def __init__(self, size: int = 48, bench: bool = False) -> None:
        self.size = size
        self._bench = bench
        self.entries: list = []
        self.dropped = 0
        self.now_ms = 0
        self.listener: Callable[[tuple], None] | None = None

    def add(self, event: str, **fields) -> None:
        """Record an event at the present uptime `now_ms`, which the app advances."""
        if self._bench:
            fields["bench"] = True
        entry = (self.now_ms, event, fields)
        if len(self.entries) >= self.size:
            del self.entries[0]
            self.dropped += 1
        self.entries.append(entry)
        if self.listener is not None:
            self.listener(entry)


def event_line(event: tuple) -> str:
    """Return an entry of the event log as a line of text."""
    t_ms, name, fields = event
    return "%d.%03d %s %s" % (
        t_ms // 1000,
        t_ms % 1000,
        name,
        " ".join(["%s=%s" % (key, fields[key]) for key in fields]),
    )

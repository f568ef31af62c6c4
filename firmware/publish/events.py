"""The event log: what happened, when and why, the newest entries in RAM."""


class EventLog:
    """A bounded list of events `(t_ms, name, fields)`, oldest dropped first.

    `t_ms` is the uptime in milliseconds; `fields` a small dict of names, numbers and reasons. The
    `listener`, if there is one, gets each event as it happens (a console, a simulator, a file).
    """

    def __init__(self, size: int = 48) -> None:
        self.size = size
        self.entries: list = []
        self.dropped = 0
        self.now_ms = 0
        self.listener = None

    def add(self, name: str, **fields) -> None:
        """Record an event at the present uptime `now_ms`, which the app advances."""
        entry = (self.now_ms, name, fields)
        if len(self.entries) >= self.size:
            del self.entries[0]
            self.dropped += 1
        self.entries.append(entry)
        if self.listener is not None:
            self.listener(entry)

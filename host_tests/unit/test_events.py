"""The event log: bounded, in order, and heard."""

from firmware.publish.events import EventLog


def test_entries_carry_time_name_and_fields():
    log = EventLog()
    log.add("start", version="1.2")
    log.now_ms = 1500
    log.add("state", state="grid", phase=2)
    assert log.entries == [
        (0, "start", {"version": "1.2"}),
        (1500, "state", {"state": "grid", "phase": 2}),
    ]
    assert log.dropped == 0


def test_the_oldest_is_dropped_first_and_counted():
    log = EventLog(3)
    for n in range(5):
        log.add("n", n=n)
        assert len(log.entries) == min(n + 1, 3)
    assert [entry[2]["n"] for entry in log.entries] == [2, 3, 4]
    assert log.dropped == 2 and log.size == 3


def test_the_listener_hears_every_event_also_those_that_are_dropped():
    log = EventLog(1)
    heard = []
    log.add("before")
    log.listener = heard.append
    log.add("a", x=1)
    log.add("b")
    assert heard == [(0, "a", {"x": 1}), (0, "b", {})]
    log.listener = None
    log.add("c")
    assert len(heard) == 2

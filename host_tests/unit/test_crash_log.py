"""The reasons of crashes: kept, bounded, and never a reason for another crash."""

from firmware.store import crash_log
from tools.simulator.board import MemoryStorage


class BrokenStorage:
    """A flash that neither reads nor writes."""

    def read(self, name):
        raise OSError(5, "cannot be read")

    def write(self, name, content):
        raise OSError(28, "cannot be written")


def test_nothing_is_kept_at_first():
    assert crash_log.read(MemoryStorage()) == ""


def test_reasons_are_kept_in_their_order_one_a_line():
    storage = MemoryStorage()
    crash_log.add(storage, "ZeroDivisionError: divide by zero")
    crash_log.add(storage, "MemoryError: two\nlines")
    assert crash_log.read(storage) == "ZeroDivisionError: divide by zero\nMemoryError: two | lines"


def test_the_oldest_make_room_for_the_newest():
    storage = MemoryStorage()
    for n in range(100):
        crash_log.add(storage, "crash %d %s" % (n, "x" * 50))
    lines = crash_log.read(storage).split("\n")
    assert lines[-1].startswith("crash 99 ") and not lines[0].startswith("crash 0 ")
    assert len(crash_log.read(storage)) <= 1500 and len(lines) > 20


def test_a_long_reason_is_cut():
    storage = MemoryStorage()
    crash_log.add(storage, "y" * 5000)
    assert crash_log.read(storage) == "y" * 300


def test_a_storage_that_fails_is_only_told():
    told = []
    crash_log.print = told.append
    try:
        crash_log.add(BrokenStorage(), "whatever")
    finally:
        del crash_log.print
    assert told == ["backup box: the reason of the crash could not be kept"]
    assert crash_log.read(BrokenStorage()) == ""


def test_a_damaged_file_counts_as_empty():
    storage = MemoryStorage()
    storage.write("crashes", b"\xff\xfe\x80")
    assert crash_log.read(storage) == ""
    crash_log.add(storage, "next")
    assert crash_log.read(storage) == "next"

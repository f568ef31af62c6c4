"""Records in two slots: any damage to one costs the last change only, damage to both is told."""

import struct

from firmware.store.records import Record, RecordError, pack, unpack

OLD = {"a": 1, "text": "old"}
NEW = {"a": 2, "text": "new", "list": [1, [2, 3]]}


class Shelf:
    """A storage in memory; `fail` makes the next write leave `fail` bytes and raise."""

    def __init__(self):
        self.records = {}
        self.fail = None

    def read(self, name):
        return self.records.get(name)

    def write(self, name, content):
        assert type(content) is bytes
        if self.fail is not None:
            self.records[name] = content[: self.fail]
            raise OSError(28)
        self.records[name] = content


def _two():
    """Return a shelf with OLD in slot a and NEW in slot b."""
    shelf = Shelf()
    record = Record(shelf, "r")
    record.save(OLD)
    record.save(NEW)
    assert sorted(shelf.records) == ["r.a", "r.b"]
    return shelf


def _load(shelf):
    record = Record(shelf, "r")
    return record.load(), record.damaged


def _refused(shelf):
    try:
        _load(shelf)
    except RecordError as error:
        return str(error)
    raise AssertionError("damaged slots were taken")


def _saved(record, content):
    try:
        record.save(content)
    except OSError:
        return False
    return True


def _damages(slot):
    """Yield every truncation, every byte changed in one and in all bits, and bytes added."""
    for length in range(len(slot)):
        yield slot[:length]
    for place in range(len(slot)):
        for mask in (0x01, 0x80, 0xFF):
            changed = bytearray(slot)
            changed[place] ^= mask
            yield bytes(changed)
    yield slot + b"\x00"
    yield slot + slot
    yield b"\x00" * len(slot)
    yield b"\xff" * len(slot)


def _padding(slot, damaged):
    """True when only the three bytes that mean nothing differ."""
    return len(slot) == len(damaged) and slot[:5] == damaged[:5] and slot[8:] == damaged[8:]


def test_nothing_stored_is_no_error():
    assert _load(Shelf()) == (None, 0)


def test_what_was_saved_is_loaded():
    shelf = Shelf()
    record = Record(shelf, "r")
    for n in range(10):
        record.save({"n": n})
        assert _load(shelf) == ({"n": n}, 0)
    record = Record(shelf, "r")
    assert record.load() == {"n": 9}
    record.save({"n": 10})
    assert _load(shelf) == ({"n": 10}, 0)


def test_every_damage_to_the_newest_slot_falls_back_to_the_older():
    whole = _two().records["r.b"]
    for damaged in _damages(whole):
        if _padding(whole, damaged):
            continue
        shelf = _two()
        shelf.records["r.b"] = damaged
        assert _load(shelf) == (OLD, 1), damaged


def test_every_damage_to_the_older_slot_is_told_and_costs_nothing():
    whole = _two().records["r.a"]
    for damaged in _damages(whole):
        if _padding(whole, damaged):
            continue
        shelf = _two()
        shelf.records["r.a"] = damaged
        assert _load(shelf) == (NEW, 1), damaged


def test_every_damage_to_the_only_slot_is_refused():
    shelf = Shelf()
    Record(shelf, "r").save(OLD)
    whole = shelf.records["r.a"]
    for damaged in _damages(whole):
        if not _padding(whole, damaged):
            shelf.records["r.a"] = damaged
            assert "1" in _refused(shelf)


def test_both_damaged_is_refused():
    for first in (b"", b"BBOX", b"\xff" * 60):
        shelf = _two()
        shelf.records["r.a"] = first
        shelf.records["r.b"] = shelf.records["r.b"][:-1]
        assert "r" in _refused(shelf) and "2" in _refused(shelf)


def test_a_slot_of_another_sequence_number_is_noticed():
    """The CRC covers the sequence number: an old slot cannot pass for a new one."""
    slot = bytearray(pack(1, OLD))
    struct.pack_into("<I", slot, 8, 9)
    assert unpack(bytes(slot)) is None


def test_a_write_goes_to_the_older_slot_also_after_a_restart():
    shelf = _two()
    record = Record(shelf, "r")
    record.load()
    newest = shelf.records["r.b"]
    record.save({"a": 3})
    assert shelf.records["r.b"] == newest and _load(shelf) == ({"a": 3}, 0)


def test_a_write_goes_to_the_damaged_slot():
    for damaged, intact, content in (("r.a", "r.b", NEW), ("r.b", "r.a", OLD)):
        shelf = _two()
        shelf.records[damaged] = b"junk"
        record = Record(shelf, "r")
        assert record.load() == content
        kept = shelf.records[intact]
        record.save({"a": 3})
        assert shelf.records[intact] == kept and _load(shelf) == ({"a": 3}, 0)


def test_a_power_cut_at_any_byte_of_a_write_leaves_the_last_record():
    last = {"a": 3, "text": "x", "list": [1, [2, 3]]}
    for cut in range(len(pack(3, last))):
        shelf = _two()
        record = Record(shelf, "r")
        record.load()
        shelf.fail = cut
        assert not _saved(record, last)
        assert _load(shelf) == (NEW, 1), cut


def test_a_failed_write_is_repeated_into_the_same_slot():
    shelf = _two()
    record = Record(shelf, "r")
    record.load()
    for cut in (0, 10, 25):
        shelf.fail = cut
        assert not _saved(record, {"a": 3})
        assert _load(shelf)[0] == NEW
    shelf.fail = None
    record.save({"a": 4})
    assert _load(shelf) == ({"a": 4}, 0)


def test_saving_over_two_damaged_slots_makes_it_whole_again():
    shelf = Shelf()
    shelf.records = {"r.a": b"x", "r.b": b"y"}
    record = Record(shelf, "r")
    _refused(shelf)
    record.save(NEW)
    assert _load(shelf) == (NEW, 1)
    record.save(NEW)
    assert _load(shelf) == (NEW, 0)


def test_damage_is_counted_anew_at_every_load():
    shelf = _two()
    shelf.records["r.a"] = b"?"
    record = Record(shelf, "r")
    for _ in range(3):
        record.load()
        assert record.damaged == 1


def test_content_that_is_no_record_is_refused():
    import binascii

    for body in (b"[1]", b"7", b'"x"', b"null", b"{", b""):
        crc = binascii.crc32(struct.pack("<I", 5) + body) & 0xFFFFFFFF
        assert unpack(struct.pack("<4sB3xIII", b"BBOX", 1, 5, len(body), crc) + body) is None, body
    assert unpack(pack(5, {})) == (5, {})


def test_a_record_of_another_version_is_refused():
    slot = bytearray(pack(1, OLD))
    slot[4] = 2
    assert unpack(bytes(slot)) is None

"""Records as files: whole or not at all, and clear about what went wrong."""

import os

from firmware.hardware.flash import FlashStorage

ROOT = "build/test_hardware_flash"


def _storage():
    """Return a storage whose folder does not exist yet."""
    if "build" not in os.listdir():
        os.mkdir("build")
    if ROOT[6:] in os.listdir("build"):
        for name in os.listdir(ROOT):
            os.remove(ROOT + "/" + name)
        os.rmdir(ROOT)
    return FlashStorage(ROOT)


def _error(kind, call, *args):
    try:
        call(*args)
    except kind as error:
        return error
    raise AssertionError("not refused")


def test_a_missing_record_is_none():
    assert _storage().read("settings_a") is None


def test_a_record_comes_back_and_is_replaced():
    storage = _storage()
    for content in (b"one", b"", b"longer than before", bytes(range(256)) * 8):
        storage.write("settings_a", content)
        assert storage.read("settings_a") == content
        assert FlashStorage(ROOT).read("settings_a") == content, "after a restart"
    assert os.listdir(ROOT) == ["settings_a"], "nothing unfinished is left"


def test_records_do_not_touch_each_other():
    storage = _storage()
    storage.write("a", b"1")
    storage.write("b", b"2")
    storage.write("a", b"3")
    assert (storage.read("a"), storage.read("b")) == (b"3", b"2")


def test_a_write_cut_short_leaves_the_old_record():
    storage = _storage()
    storage.write("a", b"old")
    with open(ROOT + "/a.new", "wb") as file:
        file.write(b"ne")
    assert storage.read("a") == b"old"
    storage.write("a", b"new")
    assert storage.read("a") == b"new"


def test_names_that_leave_the_folder_are_refused():
    storage = _storage()
    for name in ("", "../x", "a/b", ".hidden", "A", "a.new", "a b"):
        _error(ValueError, storage.read, name)
        _error(ValueError, storage.write, name, b"")


def test_trouble_names_the_record():
    storage = _storage()
    storage.write("a", b"1")
    os.mkdir(ROOT + "/b")
    try:
        error = _error(OSError, storage.read, "b")
        assert "record b cannot be read" in str(error) and error.errno != 2
        assert "record b cannot be written" in str(_error(OSError, storage.write, "b", b"1"))
    finally:
        os.rmdir(ROOT + "/b")
    nowhere = FlashStorage(ROOT + "/missing/deeper")
    assert nowhere.read("a") is None
    assert "record a cannot be written" in str(_error(OSError, nowhere.write, "a", b"1"))

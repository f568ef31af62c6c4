"""Named records as files on the board's littlefs, each replaced whole or not at all."""

import os

_ENOENT = 2
_EEXIST = 17
_ENOSPC = 28
_UNFINISHED = ".new"
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_."


class FlashStorage:
    """Records in the folder `root`, which is made when the first one is written.

    A write stops interrupts and code in flash for 45 to 400 ms per erased sector: rare and chosen.
    """

    def __init__(self, root: str = "/data") -> None:
        self.root = root

    def read(self, name: str) -> bytes | None:
        """Return the record, None where there is none; OSError if it cannot be read."""
        path = self._path(name)
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError as error:
            number = error.errno
        if number == _ENOENT:
            return None
        raise OSError(number, "record %s cannot be read" % name)

    def write(self, name: str, content: bytes) -> None:
        """Replace the record; OSError if that fails, and the old record is then still whole."""
        path = self._path(name)
        number: int | None = _ENOSPC  # what a short write means
        try:
            self._make_root()
            # Written beside and renamed: littlefs replaces the old name in one step.
            with open(path + _UNFINISHED, "wb") as file:
                written = file.write(content)
            if written == len(content):
                os.rename(path + _UNFINISHED, path)
                return
        except OSError as error:
            number = error.errno
        raise OSError(number, "record %s cannot be written" % name)

    def _make_root(self) -> None:
        try:
            os.mkdir(self.root)
        except OSError as error:
            if error.errno != _EEXIST:
                raise

    def _path(self, name: str) -> str:
        if not name or name[0] == "." or name.endswith(_UNFINISHED):
            raise ValueError("%r is not a record name" % name)
        for letter in name:
            if letter not in _LETTERS:
                raise ValueError("%r is not a record name" % name)
        return "%s/%s" % (self.root, name)

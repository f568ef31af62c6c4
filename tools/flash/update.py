"""What is copied to a board and removed from it, in an order that no power cut can turn into half a box."""

import dataclasses
import re
from collections.abc import Callable
from typing import Protocol

from tools.flash import build
from tools.flash.files import Listing
from tools.flash.link import LinkError

# There from before the first change to after the last: main.py does not start the box beside it.
MARKER = "/incomplete"
_MARKER_TEXT = b"Copying the firmware was begun and not finished: run make flash again.\n"
DATA = "/data"
_UNFINISHED = ".new"  # on_board.UNFINISHED
_AT_THE_TOP = (*build.STARTERS, build.BOARD_CHOICE, MARKER)
OURS = (*_AT_THE_TOP, *[path + _UNFINISHED for path in _AT_THE_TOP])
_BLOCK = 4096
_FOLDER_BYTES = 2 * _BLOCK

Say = Callable[[str], None]


class BoardFiles(Protocol):
    """What is asked of a board's file system: `files.Files`, or a test's."""

    def listing(self, ours: tuple[str, ...], folder: str) -> Listing: ...
    def space(self) -> tuple[int, int]: ...
    def read(self, path: str) -> bytes: ...
    def write(self, path: str, content: bytes, sha256: str) -> None: ...
    def remove(self, path: str) -> None: ...
    def remove_all(self, folder: str) -> None: ...


@dataclasses.dataclass
class Plan:
    """Paths to write and paths to remove, each in this order, and the number of files that stay."""

    write: list[str]
    remove: list[str]
    unchanged: int


@dataclasses.dataclass
class Result:
    """What a copy came to, in files and bytes, and the file system after it."""

    copied: int
    copied_bytes: int
    removed: int
    unchanged: int
    used_bytes: int
    free_bytes: int


def chosen_board(files: BoardFiles, found: Listing) -> str | None:
    """Return the board file that a board is to start with, None when it was never told. Raises LinkError."""
    if build.BOARD_CHOICE not in found.files:
        return None
    text = files.read(build.BOARD_CHOICE).decode(errors="replace")
    match = re.search(r'^BOARD = "(\w+)"', text, re.MULTILINE)
    if match is None or match[1] not in build.board_names():
        raise LinkError(
            f"the file {build.BOARD_CHOICE} on the board names none of {', '.join(build.board_names())}: "
            "say which one it is to be, with BOARD=..."
        )
    return match[1]


def plan(tree: dict[str, bytes], found: Listing) -> Plan:
    """Return what makes a board's files equal to `tree`."""
    write = [path for path in tree if found.files.get(path, ("", 0))[0] != build.sha256(tree[path])]
    needed = {path[:place] + "/" for path in tree for place in _slashes(path)}
    remove = sorted(path for path in found.files if path not in tree and path != MARKER)
    remove += sorted(
        [path for path in found.folders if path not in needed], reverse=True
    )  # the deepest first
    return Plan(sorted(write, key=_turn), remove, len(tree) - len(write))


def update(files: BoardFiles, tree: dict[str, bytes], found: Listing, say: Say) -> Result:
    """Make the board's files equal to `tree`, touching nothing else. Raises LinkError."""
    todo = plan(tree, found)
    _check_room(files, tree, todo, found)
    if todo.write or todo.remove or MARKER in found.files:
        files.write(MARKER, _MARKER_TEXT, build.sha256(_MARKER_TEXT))
        starters = [path for path in todo.write if path in build.STARTERS]
        for path in starters:  # from here on even a foreign board heeds the marker
            _write(files, path, tree[path], say)
        for path in todo.remove:
            files.remove(path)
            say(f"  removed  {path}")
        for path in todo.write:
            if path not in starters:
                _write(files, path, tree[path], say)
        files.remove(MARKER)
    whole, free = files.space()
    copied_bytes = sum(len(tree[path]) for path in todo.write)
    return Result(len(todo.write), copied_bytes, len(todo.remove), todo.unchanged, whole - free, free)


def erase(files: BoardFiles, found: Listing, everything: bool, say: Say) -> int:
    """Remove the firmware, and settings, calibration, counters and board choice too when it is `everything`.

    Returns the number of files and folders removed. Raises LinkError.
    """
    files.write(MARKER, _MARKER_TEXT, build.sha256(_MARKER_TEXT))
    remove = [path for path in found.files if path != MARKER and (everything or path != build.BOARD_CHOICE)]
    # What starts the box goes first; what turns the coils off goes last.
    remove.sort(key=lambda path: (path == "/boot.py", path != "/main.py"))
    remove += sorted(found.folders, reverse=True)
    for path in remove:
        files.remove(path)
    if everything and DATA + "/" in found.others:
        files.remove_all(DATA)
        remove.append(DATA)
    files.remove(MARKER)
    say(f"  removed  {len(remove)} files and folders")
    return len(remove)


def _turn(path: str) -> tuple[int, str]:
    """Return the place of a file to be written: what starts the box first, the manifest last."""
    if path in build.STARTERS:
        return (build.STARTERS.index(path), path)
    return (3 if path == build.MANIFEST else 2, path)


def _slashes(path: str) -> list[int]:
    return [place for place in range(1, len(path)) if path[place] == "/"]


def _check_room(files: BoardFiles, tree: dict[str, bytes], todo: Plan, found: Listing) -> None:
    """Refuse, before anything is changed, what may not fit: whole blocks, the old beside the new."""
    folders = {path[:place] + "/" for path in todo.write for place in _slashes(path)} - set(found.folders)
    needed = sum(-(-len(tree[path]) // _BLOCK) * _BLOCK for path in todo.write) + len(folders) * _FOLDER_BYTES
    free = files.space()[1]
    if needed > free:
        raise LinkError(
            f"the board's flash is too full: up to {needed // 1024} KB are needed, "
            f"{free // 1024} KB are free; "
            f"files that are not the box's: {', '.join(found.others) or 'none'}"
        )


def _write(files: BoardFiles, path: str, content: bytes, say: Say) -> None:
    files.write(path, content, build.sha256(content))
    say(f"  copied   {path}, {len(content)} bytes")

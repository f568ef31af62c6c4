"""The files of a board, by way of its raw REPL (the board's side is on_board.py)."""

import base64
import dataclasses
import pathlib
from typing import Protocol

from tools.flash.link import LinkError

_PIECE_CHARACTERS = 4096  # of base64 at a time; a multiple of 4
_HELPER = pathlib.Path(__file__).parent / "on_board.py"


class Runner(Protocol):
    """What runs code on a board: a Link."""

    def run(self, code: str, feed: bytes = b"", patience_s: float | None = None) -> str: ...


@dataclasses.dataclass
class Listing:
    """What is on a board: SHA-256 and size of our own files, the folders below /firmware, and the rest."""

    files: dict[str, tuple[str, int]]
    folders: list[str]
    others: list[str]


class Files:
    """The file system of a board at its raw REPL. Every method raises LinkError."""

    def __init__(self, board: Runner) -> None:
        self._board = board
        self._board.run(_HELPER.read_text(encoding="utf-8"))

    def listing(self, ours: tuple[str, ...], folder: str) -> Listing:
        """Return what there is: `ours` are the files at the top that are told apart from others."""
        lines = self._board.run(f"show_files({ours!r}, {folder!r})").splitlines()
        if not lines or lines.pop() != "end":
            raise LinkError("the list of files on the board came broken; try again")
        found = Listing({}, [], [])
        for line in lines:
            words = line.split(" ")
            if words[0] == "other":
                found.others.append(line.removeprefix("other "))
            elif line.endswith("/"):
                found.folders.append(line)
            else:
                found.files[line.split(" ", 2)[2]] = (words[0], int(words[1]))
        return found

    def space(self) -> tuple[int, int]:
        """Return the bytes of the file system: all, and those free."""
        whole, free = self._board.run("show_space()").split()
        return int(whole), int(free)

    def read(self, path: str) -> bytes:
        """Return the content of a small file."""
        return bytes.fromhex(self._board.run(f"show({path!r})").strip())

    def write(self, path: str, content: bytes, sha256: str) -> None:
        """Replace a file in one step by content that was read back and compared first."""
        self._board.run(f"begin({path!r})")
        text = base64.b64encode(content)
        for start in range(0, len(text), _PIECE_CHARACTERS):
            piece = text[start : start + _PIECE_CHARACTERS]
            self._board.run(f"more({len(piece)})", feed=piece)
        if self._board.run(f"finish({path!r})").strip() != sha256:
            raise LinkError(
                f"{path}: the board's flash does not hold what was written; try again, or another board"
            )
        self._board.run(f"commit({path!r})")

    def remove(self, path: str) -> None:
        """Remove a file, or an empty folder (`path/`)."""
        self._board.run(f"remove({path!r})")

    def remove_all(self, folder: str) -> None:
        """Remove a folder and all that is in it."""
        self._board.run(f"remove_all({folder!r})")

"""A board under check: its link, its scripts, what is known of it, and how the checks came out."""

import ast
import dataclasses
import json
import pathlib
from typing import Any

from tools.board_checks.person import Person
from tools.flash import update
from tools.flash.link import Link, LinkError, connect

_SCRIPTS = pathlib.Path(__file__).parent / "on_board"
PASSED, FAILED, SKIPPED = "passed", "FAILED", "skipped"


@dataclasses.dataclass
class Outcome:
    """How a check came out; the reason says what to look at, or what was seen."""

    name: str
    verdict: str
    reason: str


def script_text(name: str) -> str:
    """Return an on-board script as it is sent: without the imports from files that only the host has."""
    text = (_SCRIPTS / f"{name}.py").read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("tools."):
            for number in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                lines[number - 1] = ""  # the numbers of the others stay as a traceback gives them
    return "\n".join(lines) + "\n"


class Bench:
    """Runs the on-board scripts, and keeps the outcomes."""

    def __init__(self, port: str, person: Person, patience_s: float) -> None:
        self.person = person
        self.outcomes: list[Outcome] = []
        self.facts: dict[str, Any] = {}
        self.live: list[str] = []  # voltage channels on which a voltage was seen
        self._port = port
        self._patience_s = patience_s
        self._link: Link | None = None
        self._loaded: set[str] = set()

    @property
    def link(self) -> Link:
        """The link to the board, which was stopped for it. Raises LinkError."""
        if self._link is None:
            self._link = connect(self._port, self._patience_s)
            self._loaded = set()
        return self._link

    def begin(self) -> None:
        """Find out what board it is. Raises LinkError when it cannot be checked."""
        there = set(self.link.run("import os\nprint(*os.listdir())").split())
        if update.MARKER[1:] in there:
            raise LinkError("the firmware on this board is incomplete: run make flash again")
        if not {"boot.py", "firmware", "board_choice.py"} <= there:
            raise LinkError("there is no firmware on this board: run make flash first")
        self.facts = self.run("board", "describe()")

    def run(self, script: str, call: str) -> dict[str, Any]:
        """Return the facts that a function of an on-board script tells. Raises LinkError."""
        self._load(script)
        return json.loads(self.link.run(call))

    def _load(self, script: str) -> None:
        link = self.link
        for name in ("board", script):
            if name not in self._loaded:
                link.run(script_text(name))
                self._loaded.add(name)

    def leave(self, script: str, call: str) -> bool:
        """Call a function that makes the board restart; return whether it did. `link` connects anew."""
        self._load(script)
        link, self._link = self.link, None
        return link.leave(call)

    def end(self) -> None:
        """Reset the board, which starts the box as at power-up: coils off first."""
        if self._link is not None:
            self._link.reset()
            self._link = None

    def passed(self, name: str, reason: str = "") -> None:
        """Note that a check has passed."""
        self._note(name, PASSED, reason)

    def failed(self, name: str, reason: str) -> None:
        """Note that a check has failed, and what to look at."""
        self._note(name, FAILED, reason)

    def skipped(self, name: str, reason: str) -> None:
        """Note that a check was not made, and why."""
        self._note(name, SKIPPED, reason)

    def _note(self, name: str, verdict: str, reason: str) -> None:
        self.outcomes.append(Outcome(name, verdict, reason))
        self.person.tell(f"  {verdict}: {name}" + (f": {reason}" if reason else ""))

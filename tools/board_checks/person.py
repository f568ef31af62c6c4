"""The person in front of the board: asked, shown, waited for. Or a file of answers in their place."""

import pathlib
import select
import sys
import tomllib
from collections.abc import Callable
from typing import Protocol

YES, NO, SKIP = "y", "n", "s"
_LOOK_S = 0.2


class AnswersError(ValueError):
    """A file of answers cannot be used; the text says why."""


class Person(Protocol):
    """Whoever does what the checks ask for. Keys name the question in a file of answers."""

    def tell(self, text: str) -> None:
        """Show text."""

    def ask(self, key: str, question: str) -> str:
        """Return YES, NO or SKIP."""

    def watch(self, key: str, look: Callable[[], str]) -> None:
        """Show what `look` returns, again and again, until the person has seen enough."""


class Terminal:
    """A person at this terminal."""

    def tell(self, text: str) -> None:
        """Show text."""
        print(text, flush=True)

    def ask(self, key: str, question: str) -> str:
        """Return YES, NO or SKIP; the end of the input skips."""
        while True:
            try:
                answer = input(f"{question} [y/n, s to skip] ").strip().lower()
            except EOFError:
                print()
                return SKIP
            if answer[:1] in (YES, NO, SKIP):
                return answer[:1]

    def watch(self, key: str, look: Callable[[], str]) -> None:
        """Show a line that changes, until Enter."""
        shown = ""
        while True:
            line = look()
            if line != shown:
                print("\r" + line + " " * (len(shown) - len(line)), end="", flush=True)
                shown = line
            if select.select([sys.stdin], [], [], _LOOK_S)[0]:
                sys.stdin.readline()
                return


class Answers:
    """Answers given beforehand, `{key: "y", "n" or "s"}`; a question without one gets `otherwise`."""

    def __init__(self, given: dict[str, str], otherwise: str = SKIP) -> None:
        self._given = given
        self._otherwise = otherwise

    def tell(self, text: str) -> None:
        """Show text."""
        print(text, flush=True)

    def ask(self, key: str, question: str) -> str:
        """Return the answer and show it."""
        answer = self._given.get(key, self._otherwise)
        print(f"{question} {answer}", flush=True)
        return answer

    def watch(self, key: str, look: Callable[[], str]) -> None:
        """Look once."""
        print(look(), flush=True)


def read_answers(path: str) -> dict[str, str]:
    """Return the answers of a TOML file: `key = "y"`, "n" or "s" a line. Raises AnswersError."""
    try:
        given = tomllib.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise AnswersError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AnswersError(f"{path}: not TOML: {error}") from None
    for key, answer in given.items():
        if answer not in (YES, NO, SKIP):
            raise AnswersError(f'{path}: {key} must be "y", "n" or "s", not {answer!r}')
    return given

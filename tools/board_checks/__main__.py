"""Check a board, its wiring and its contactors, with a person beside it."""

import argparse
import contextlib
import sys
from typing import NoReturn

from tools.board_checks import chip, contacts, measuring
from tools.board_checks.bench import FAILED, PASSED, Bench, Outcome
from tools.board_checks.person import YES, Answers, AnswersError, Person, Terminal, read_answers
from tools.flash.link import PATIENCE_S, LinkError, ScriptError, say_which_port

WARNING = """\
+------------------------------------------------------------------------------+
|  MAINS AND BACKUP SIDE MUST BE OFF, locked against switching on, and checked |
|  to be dead. This energises the coils of contactors one after the other.    |
|  Qualified electricians only. When the checks end the box starts by itself. |
+------------------------------------------------------------------------------+"""

DESCRIPTION = """\
Check a board that make flash has put the firmware on: converters, coils with their mirror contacts, switches,
RS485, display, flash, watchdog. The running box is stopped for it and started again at the end.
"""


CHECKS = (
    ("converters", measuring.check_converters),  # first: they tell whether mains is off
    ("coils", contacts.check_coils),
    ("switches", contacts.check_inputs),
    ("RS485", chip.check_rs485),
    ("display", chip.check_display),
    ("flash", chip.check_flash),
    ("watchdog", chip.check_watchdog),  # last: it restarts the board
)


class CommandLine(argparse.ArgumentParser):
    """A parser whose complaints are one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"board checks: {message}\n")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = CommandLine(prog="python -m tools.board_checks", description=DESCRIPTION)
    line.add_argument("--port", default="", help="the board's serial port, such as /dev/ttyACM0")
    line.add_argument(
        "--answers", metavar="FILE.toml", help="answers instead of questions (docs/board-checks.md)"
    )
    line.add_argument("--yes", action="store_true", help="answer yes to all that --answers leaves open")
    line.add_argument(
        "--patience",
        type=float,
        default=PATIENCE_S,
        metavar="S",
        help=f"seconds of silence after which a board does not answer (default {PATIENCE_S:.0f})",
    )
    return line


def check(bench: Bench) -> None:
    """Make all checks. Raises LinkError when the board is lost."""
    for name, make in CHECKS:
        try:
            make(bench)
        except ScriptError as error:  # the others can still be made
            bench.failed(name, str(error))


def summary(outcomes: list[Outcome]) -> str:
    """Return the table at the end."""
    width = max(len(outcome.name) for outcome in outcomes)
    lines = [
        f"  {outcome.verdict:7s}  {outcome.name:{width}s}  {outcome.reason}".rstrip() for outcome in outcomes
    ]
    counts = [sum(outcome.verdict == verdict for outcome in outcomes) for verdict in (PASSED, FAILED)]
    lines.append(f"{counts[0]} passed, {counts[1]} failed, {len(outcomes) - sum(counts)} skipped")
    return "\n".join(lines)


def run(port: str, person: Person, patience_s: float) -> int:
    """Check the board at `port` and return the exit code. Whatever happens, the coils end off."""
    bench = Bench(port, person, patience_s)
    try:
        bench.begin()
        person.tell(f"{bench.facts['name']} ({bench.facts['file']})\n\n{WARNING}")
        if person.ask("mains_off", "Is everything off, locked, and checked to be dead?") != YES:
            person.tell("Nothing was checked.")
            return 1
        check(bench)
    except LinkError as error:
        bench.failed("board", str(error))
    except KeyboardInterrupt:
        bench.failed("board", "interrupted; the coils are off")
    finally:
        with contextlib.suppress(LinkError):
            bench.end()
    person.tell("\n" + summary(bench.outcomes))
    return 1 if any(outcome.verdict == FAILED for outcome in bench.outcomes) else 0


def main(arguments: list[str] | None = None) -> int:
    line = parser()
    wanted = line.parse_args(arguments)
    if not wanted.port:
        line.error(say_which_port("check-board"))
    person: Person = Terminal()
    if wanted.answers or wanted.yes:
        try:
            given = read_answers(wanted.answers) if wanted.answers else {}
        except AnswersError as error:
            line.error(str(error))
        person = Answers(given, YES) if wanted.yes else Answers(given)
    return run(wanted.port, person, wanted.patience)


if __name__ == "__main__":
    sys.exit(main())

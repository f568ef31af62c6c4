"""The table: what was measured, of the box and of the peer, in a form that can go into a document."""

import math
from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """A line of the table; empty where the peer does no such thing, or where there is no budget."""

    what: str
    box: str
    peer: str = ""
    budget: str = ""


_HEAD = Row("what", "backup box", "peer", "budget")


def lines(rows: Sequence[Row], last: str = _HEAD.budget) -> list[str]:
    """Return the table in Markdown, its columns aligned; `last` is the head of the last one."""
    head = _HEAD._replace(budget=last)
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(texts: Sequence[str]) -> str:
        return "| " + " | ".join(text.ljust(width) for text, width in zip(texts, widths)) + " |"

    return [line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)]


def ms(value_us: float) -> str:
    """Return microseconds as milliseconds, with as many digits as mean something."""
    value = value_us / 1000
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def us(value_us: float) -> str:
    """Return microseconds; below ten with a decimal."""
    return f"{value_us:.1f}" if value_us < 9.95 else f"{value_us:.0f}"


def kb(size: int) -> str:
    """Return bytes as KB of 1024."""
    return f"{size / 1024:.1f} KB"


def share(times_us: Sequence[float], period_us: float) -> float:
    """Return the share of the processor, in percent, of something that takes these times once a period."""
    return 100 * sum(times_us) / len(times_us) / period_us


def part(values: Sequence[float], of_one: float) -> float:
    """Return the value that this part of them, 0 to 1, does not exceed."""
    return sorted(values)[max(0, math.ceil(of_one * len(values)) - 1)]

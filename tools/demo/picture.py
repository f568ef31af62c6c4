"""The picture of a day: sources, house, power, battery, contactors and states over the same time."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402  after the choice of a backend without a display
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.patches import Patch  # noqa: E402

from tools.demo.recorder import Recorder  # noqa: E402
from tools.demo.timeline import clock  # noqa: E402

GRID, BATTERY, PV = "#1f6fb4", "#e07b1a", "#d9b400"
PHASES = ("#2e8b57", "#7d5ba6", "#d1698c")
LOST, WAIT = "#c8312b", "#fdf0dc"
STATE_COLOURS = {
    "starting": "#dddddd",
    "grid": "#bcd7ee",
    "to_backup": LOST,
    "backup": "#f3b06b",
    "to_grid": LOST,
    "fault": LOST,
    "off": "#888888",
    "bypass": "#b9a3d6",
}
_HEIGHTS = (1.0, 0.85, 1.35, 1.1, 0.85, 0.3)
_NOTE: dict[str, Any] = {"fontsize": 9, "color": "#333333"}
_NOMINAL_V = 230.0
_BEFORE_S, _AFTER_S = 1200.0, 1200.0  # of the outage
_RETURN_BEFORE_S, _RETURN_AFTER_S = 90.0, 90.0


class Column:
    """One stretch of time: title, first and last second, distance of the time marks."""

    def __init__(self, title: str, first_s: float, last_s: float, mark_s: float, width: float) -> None:
        self.title = title
        self.first_s = first_s
        self.last_s = last_s
        self.mark_s = mark_s
        self.width = width


def draw(record: Recorder, limits: list[int], path: Path) -> None:
    """Draw a record; `limits` are the least SOC of L1..L3 in percent. Raises OSError."""
    columns = _columns(record)
    figure, axes = plt.subplots(
        len(_HEIGHTS),
        len(columns),
        sharex="col",
        sharey="row",
        squeeze=False,
        figsize=(16, 10.6),
        gridspec_kw={
            "height_ratios": _HEIGHTS,
            "width_ratios": [column.width for column in columns],
            "hspace": 0.13,
            "wspace": 0.035,
        },
    )
    drawers = (_sources, _house, _power, _battery, _contactors, _states)
    for n, column in enumerate(columns):
        for row, drawer in enumerate(drawers):
            ax = axes[row][n]
            drawer(ax, record, limits)
            _frame(ax, column, columns[n + 1 :])
            if n:
                ax.set_ylabel("")
                ax.tick_params(axis="y", length=0)
        axes[0][n].set_title(column.title, fontsize=12, loc="left")
        _notes(axes, n, column, record)
    for row in range(len(_HEIGHTS)):
        _legend(axes[row][-1], row, limits)
    figure.text(0.055, 0.972, "A day of the backup box, simulated", fontsize=15)
    figure.text(0.055, 0.952, "Voltages are RMS. Grey: enlarged in the column to the right.", **_NOTE)
    figure.subplots_adjust(left=0.055, right=0.868, top=0.915, bottom=0.04)
    try:
        figure.savefig(path, dpi=100, pil_kwargs={"optimize": True})
    finally:
        plt.close(figure)


def _columns(record: Recorder) -> list[Column]:
    from firmware.signals import GRID as ON_GRID

    end_s = record.t_s[-1]
    day = Column("the whole day", 0.0, end_s, 3 * 3600.0, 1.25)
    settled = next((n for n, state in enumerate(record.state) if state == ON_GRID), len(record.state))
    away = [n for n in range(settled, len(record.state)) if record.state[n] != ON_GRID]
    if not away:
        return [day]
    first_s, last_s = record.t_s[away[0]], record.t_s[away[-1]]
    outage = Column("the outage", max(0.0, first_s - _BEFORE_S), min(end_s, last_s + _AFTER_S), 1800.0, 1.35)
    waiting = [n for n in away if record.countdown_s[n] > 1]
    if not waiting:
        return [day, outage]
    begin_s = record.t_s[waiting[0]]
    for before, n in zip(waiting, waiting[1:], strict=False):
        if record.t_s[n] - record.t_s[before] > 60:
            begin_s = record.t_s[n]  # the last countdown is the one that ends in the return
    return [
        day,
        outage,
        Column("the return", begin_s - _RETURN_BEFORE_S, last_s + _RETURN_AFTER_S, 120.0, 0.8),
    ]


def _frame(ax: Axes, column: Column, zooms: list[Column]) -> None:
    ax.set_xlim(column.first_s, column.last_s)
    first = -(-column.first_s // column.mark_s) * column.mark_s
    marks = [first + n * column.mark_s for n in range(int((column.last_s - first) // column.mark_s) + 1)]
    ax.set_xticks(marks, [clock(mark, tenths=False) for mark in marks])
    ax.tick_params(length=2.5, labelsize=9)
    ax.grid(axis="x", color="#e3e3e3", linewidth=0.6)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    if zooms:
        ax.axvspan(zooms[0].first_s, zooms[0].last_s, color="#f2f2f2", zorder=0, linewidth=0)


def _line(
    ax: Axes, record: Recorder, values: list, colour: str, width: float = 1.3, style: str = "-"
) -> None:
    ax.plot(record.t_s, values, color=colour, linewidth=width, linestyle=style, drawstyle="steps-post")


def _sources(ax: Axes, record: Recorder, _limits: list[int]) -> None:
    _line(ax, record, [min(volts) for volts in record.grid_v], GRID, 1.6)
    _line(ax, record, [min(volts) for volts in record.backup_v], BATTERY, 1.6)
    ax.set_ylim(-12, 275)
    ax.set_yticks([0, 115, 230])
    ax.set_ylabel("sources\nV")


def _house(ax: Axes, record: Recorder, _limits: list[int]) -> None:
    """One lane a phase, as high as its voltage."""
    for phase in range(3):
        base = 2 - phase
        heights = [base + 0.8 * volts[phase] / _NOMINAL_V for volts in record.load_v]
        ax.fill_between(record.t_s, base, heights, color=PHASES[phase], alpha=0.75, step="post", linewidth=0)
        ax.axhline(base, color="#555555", linewidth=0.6)
    ax.set_ylim(-0.08, 3)
    ax.set_yticks([0.4, 1.4, 2.4], ["L3", "L2", "L1"])
    ax.tick_params(axis="y", length=0)
    ax.set_ylabel("house\n0 to 230 V")


def _power(ax: Axes, record: Recorder, _limits: list[int]) -> None:
    layers = [[watts[phase] / 1000 for watts in record.house_w] for phase in range(3)]
    ax.stackplot(record.t_s, *layers, colors=PHASES, alpha=0.45, step="post", linewidth=0)
    _line(ax, record, [watts / 1000 for watts in record.pv_w], PV, 1.6)
    _line(ax, record, [watts / 1000 for watts in record.grid_w], GRID, 1.3)
    ax.axhline(0, color="#555555", linewidth=0.6)
    ax.set_ylabel("power\nkW")


def _battery(ax: Axes, record: Recorder, limits: list[int]) -> None:
    told = [soc if soc >= 0 else float("nan") for soc in record.soc]
    _line(ax, record, told, BATTERY, 2.0)
    for phase, limit in enumerate(limits):
        ax.axhline(limit, color=PHASES[phase], linewidth=1.2, linestyle="--")
    ax.set_ylim(0, 100)
    ax.set_yticks([0, 25, 50, 75, 100])
    ax.set_ylabel("battery\n% SOC")


def _contactors(ax: Axes, record: Recorder, _limits: list[int]) -> None:
    for number, colour in enumerate((GRID, *PHASES)):
        spans = _spans(record, [coils >> number & 1 for coils in record.coils])
        bars = [(first, last - first) for value, first, last in spans if value]
        ax.broken_barh(bars, (3 - number + 0.15, 0.7), facecolors=colour)
    ax.set_ylim(0, 4)
    ax.set_yticks([3.5, 2.5, 1.5, 0.5], ["K_GRID", "Q_L1", "Q_L2", "Q_L3"])
    ax.tick_params(axis="y", length=0)
    ax.set_ylabel("coils on")


def _states(ax: Axes, record: Recorder, _limits: list[int]) -> None:
    from firmware.signals import STATE_NAMES

    for state, first, last in _spans(record, record.state):
        ax.axvspan(first, last, color=STATE_COLOURS[STATE_NAMES[state]], linewidth=0)
    for waiting, first, last in _spans(record, [int(left > 1) for left in record.countdown_s]):
        if waiting:
            ax.axvspan(first, last, facecolor=WAIT, hatch="////", edgecolor=LOST, linewidth=0)
    ax.set_ylim(0, 1)
    ax.set_yticks([])
    ax.set_ylabel("state", rotation=0, ha="right", va="center")


def _spans(record: Recorder, values: list[int]) -> list[tuple[int, float, float]]:
    """Return (value, first second, last second) of every stretch of equal values."""
    spans = []
    begin = 0
    for n in range(1, len(values) + 1):
        if n == len(values) or values[n] != values[begin]:
            spans.append((values[begin], record.t_s[begin], record.t_s[min(n, len(values) - 1)]))
            begin = n
    return spans


def _notes(axes, n: int, column: Column, record: Recorder) -> None:
    """Write into the free places of a column what happens there."""
    from firmware.signals import BACKUP

    coils = record.coils
    if n == 0:
        at_s = _harmless_sag_s(record)
        if at_s is not None:
            axes[0][n].annotate("short sag:\nno transfer", (at_s, 60), xytext=(at_s + 1500, 40), **_NOTE)
    elif n == 1:
        for k in range(1, len(coils)):
            dropped = [p for p in range(3) if coils[k - 1] & ~coils[k] & 2 << p]
            if len(dropped) == 1 and record.state[k] == BACKUP:
                text = f"L{dropped[0] + 1} dropped at {record.soc[k]} %"
                place = (record.t_s[k], record.soc[k])
                arrow = {"arrowstyle": "-", "color": "#777777"}
                axes[3][n].annotate(
                    text, place, xytext=(4, 26), textcoords="offset points", arrowprops=arrow, **_NOTE
                )
    else:
        first_s = column.first_s + _RETURN_BEFORE_S
        last_s = column.last_s - _RETURN_AFTER_S
        ends = {"arrowstyle": "<->", "color": "#333333", "shrinkA": 0, "shrinkB": 0}
        axes[4][n].annotate("", (first_s, 1.6), xytext=(last_s, 1.6), arrowprops=ends)
        middle_s = (first_s + last_s) / 2
        axes[4][n].text(middle_s, 0.75, f"{last_s - first_s:.0f} s of sound grid", ha="center", **_NOTE)


def _harmless_sag_s(record: Recorder) -> float | None:
    """Return when the grid sagged and K_GRID stayed closed, or None."""
    for n, volts in enumerate(record.grid_v):
        if min(volts) < 184 and record.coils[n] & 1:
            after = next((k for k in range(n, len(record.t_s)) if record.t_s[k] > record.t_s[n] + 1), n)
            if record.coils[after] & 1:
                return record.t_s[n]
    return None


def _legend(ax: Axes, row: int, limits: list[int]) -> None:
    def stroke(colour: str, label: str, style: Any = "-", width: float = 2.2):
        return plt.Line2D([], [], color=colour, label=label, linestyle=style, linewidth=width)

    entries = (
        [stroke(GRID, "grid, lowest phase"), stroke(BATTERY, "backup output")],
        [Patch(color=PHASES[n], alpha=0.75, label=f"load bus L{n + 1}") for n in range(3)],
        [
            stroke(GRID, "from the grid (+),\nto the grid (-)"),
            stroke(PV, "PV"),
            *(Patch(color=PHASES[n], alpha=0.45, label=f"house L{n + 1}") for n in (2, 1, 0)),
        ],
        [
            stroke(BATTERY, "state of charge"),
            *(stroke(PHASES[n], f"L{n + 1} off below {limits[n]} %", "--", 1.2) for n in (2, 1, 0)),
        ],
        [
            stroke(GRID, "K_GRID: the house\nis on the grid", width=6),
            stroke(PHASES[0], "Q: the phase is on the\nbackup output", width=6),
        ],
        [
            Patch(color=STATE_COLOURS["grid"], label="grid"),
            Patch(color=STATE_COLOURS["backup"], label="backup"),
            Patch(
                facecolor=WAIT, hatch="////", edgecolor=LOST, linewidth=0, label="backup, waiting\nto return"
            ),
        ],
    )[row]
    ax.legend(
        handles=entries,
        loc="center left",
        bbox_to_anchor=(1.02, 0.5),
        frameon=False,
        fontsize=9,
        borderaxespad=0.2,
        handlelength=1.6,
    )

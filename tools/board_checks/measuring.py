"""The converters at rest, or with a signal: every channel's lowest, mean and highest code over a second."""

from tools import cpython
from tools.board_checks.bench import Bench
from tools.board_checks.person import NO, SKIP

WHY = """\
Converters. With mains off every input rests at its bias, half of the reference: 2048 of 4095 counts. A
channel at 0 or 4095, or one that rests beside the middle, has a fault in its wiring or its part."""

_SECOND = 400  # blocks
_TOP = 4095
_RAIL = 4  # counts from either end
# The reference front end (docs/wiring.md: bias 2048 +- 20 counts); the Pico's own converter is coarser.
_LIMITS = {"mcp3208": (20, 16), "adc": (60, 60)}
_LIVE_COUNTS = 330  # peak to peak: 23 V RMS, a tenth of Un; a voltage input that shows so much is not dead
_ADC_CHANNELS = ("V1", "I1", "B1")


def check_converters(bench: Bench) -> None:
    """Check every channel, and note in `bench.live` the voltage channels that are not dead."""
    front_end = bench.facts["front_end"]
    bench.person.tell("\n" + WHY)
    if front_end == "synthetic":
        bench.skipped("converters", "a bench board has none")
        return
    found = bench.run("converters", f"measure({_SECOND})")
    if found["blocks"] < _SECOND:
        bench.failed("sampling", f"{found['blocks']} blocks came, then none: 400 a second are due")
        return
    rows = _rows(front_end, found["channels"])
    bench.person.tell(table(rows))
    carries = [name for name, (low, _mean, high) in rows.items() if high - low > _LIVE_COUNTS]
    bench.live = [name for name in carries if name[0] in "VUB"]
    flaws = {name: reason for name in rows if name not in carries and (reason := flaw(rows[name], front_end))}
    for name, reason in flaws.items():
        bench.failed(f"converter {name}", reason)
    if carries:
        answer = bench.person.ask(
            "signal", f"Does a safe test source feed {', '.join(carries)}, with these values?"
        )
        if answer == SKIP:
            bench.skipped("signal at the converters", ", ".join(carries))
        elif answer == NO:
            bench.failed(
                "signal at the converters",
                f"{', '.join(carries)} carry a signal: mains is not off, or the wrong input is wired",
            )
    rest = [name for name in rows if name not in flaws and name not in carries]
    if rest:
        bench.passed(f"converters at rest ({len(rest)})", " ".join(rest))


def flaw(row: tuple[int, float, int], front_end: str) -> str:
    """Return what is wrong with a channel at rest and what to look at, or an empty string."""
    low, mean, high = row
    offset, noise = _LIMITS[front_end]
    if low >= _TOP - _RAIL:
        return "4095 all the time, the upper rail: data line open, converter absent, or input above 3 V"
    if high <= _RAIL:
        return "0 all the time, the lower rail: data line shorted, no reference, or input at ground"
    if low <= _RAIL or high >= _TOP - _RAIL:
        return f"reaches a rail ({low} to {high}): the input is overdriven, or the bias is missing"
    if abs(mean - 2048) > offset:
        return f"rests at {mean:.0f}, more than {offset} from 2048: look at its bias and resistors"
    if high - low > noise:
        return f"{high - low} counts of noise at rest: look at ground, shield and supply of this channel"
    return ""


def table(rows: dict[str, tuple[int, float, int]]) -> str:
    """Return the channels as a table."""
    lines = ["  channel    min     mean    max   peak"]
    for name, (low, mean, high) in rows.items():
        peak = (high - low) / 2
        unit = f"{peak * 100 / 2048:5.1f} A" if name[0] in "IP" else f"{peak * 400 / 2048:5.1f} V"
        lines.append(f"  {name:7s} {low:6d} {mean:8.1f} {high:6d}  {unit}")
    return "\n".join(lines)


def _rows(front_end: str, channels: list[list[float]]) -> dict[str, tuple[int, float, int]]:
    """Return the channels of this front end by name."""
    cpython.install()
    from firmware.acquire.layout import CHANNELS

    wanted = CHANNELS if front_end == "mcp3208" else _ADC_CHANNELS
    found = dict(zip(CHANNELS, channels, strict=True))
    return {name: (int(found[name][0]), found[name][1], int(found[name][2])) for name in wanted}

"""Coils, the contacts that follow them, and the switches."""

from tools import cpython
from tools.board_checks.bench import Bench
from tools.board_checks.person import NO, SKIP

COILS_WHY = """\
Coils and mirror contacts. Each coil is energised alone for a second; K_GRID and a Q never together. You hear
and see which contactor pulls in: it must be that one and no other. Its mirror contact (normally closed) must
say open before, not open meanwhile, and open after. The coil circuit needs its 24 V from a bench supply; the
operating switch must be in AUTO and the bypass not in, for both interrupt that circuit."""

INPUTS_WHY = """\
Switches. Every contact permits something while it is closed, so that a broken wire reads as the safe side.
Operate each one, both ways, and watch the line: operating switch, bypass, DIP 1 to 4, page key."""

_HOLD_MS = 1000


def check_coils(bench: Bench) -> None:
    """Click each coil that the person agrees to, and compare the mirror contacts."""
    cpython.install()
    from firmware.signals import COIL_NAMES, IN_AUTO, IN_BYPASS

    names = COIL_NAMES[: bench.facts["phases"] + 1]
    bench.person.tell("\n" + COILS_WHY)
    if bench.live:
        bench.failed(
            "coils", f"not tried: {', '.join(bench.live)} carry a voltage. Switch mains and backup side off"
        )
        return
    mask = bench.run("coils", "read()")["mask"]
    if not mask & IN_AUTO or mask & IN_BYPASS:
        where = "the bypass is in, or its wire is broken" if mask & IN_AUTO else "the operating switch is OFF"
        bench.person.tell(f"  Note: {where}. With the wiring of docs/wiring.md no coil can pull in.")
    for place, name in enumerate(names):
        if bench.person.ask(f"energise_{name}", f"Energise {name}, and nothing else, for a second?") != "y":
            bench.skipped(f"coil {name}", "not wanted")
            bench.skipped(f"mirror contact {name}", "its coil was not energised")
            continue
        found = bench.run("coils", f"click({place}, {_HOLD_MS})")
        heard = bench.person.ask(
            f"heard_{name}", f"Did {name}, and no other contactor, pull in and drop out?"
        )
        if heard == SKIP:
            bench.skipped(f"coil {name}", "not judged")
        elif heard == NO:
            bench.failed(
                f"coil {name}",
                f"look at the driver and its pin, the 24 V, and the interlock contacts in {name}'s circuit",
            )
        else:
            bench.passed(f"coil {name}")
        reason = mirror_flaw(place, names, found["before"], found["meanwhile"], found["after"])
        if reason:
            bench.failed(f"mirror contact {name}", reason)
        else:
            bench.passed(f"mirror contact {name}")


def mirror_flaw(place: int, names: tuple[str, ...], before: int, meanwhile: int, after: int) -> str:
    """Return what the contacts say wrong about one coil's click, and what to look at, or an empty string.

    The masks are those of `Inputs.read()`: a bit is 1 while its contactor is not confirmed open.
    """
    bit = 1 << place
    others = [other for n, other in enumerate(names) if n != place and (before ^ meanwhile) >> n & 1]
    if others:
        return f"the contact of {' and '.join(others)} moved with this coil: they are wired crosswise"
    if before & bit and not meanwhile & bit:
        return "says open while the coil is on and not open while it is off: a normally open contact is wired"
    if before & bit:
        return "says not open though the coil is off: wire broken, no contact, or contactor held or welded"
    if not meanwhile & bit:
        return (
            "says open though the coil is on: the contactor did not pull in, or the contact's wire is shorted"
        )
    if after & bit:
        return (
            "still says not open 0.3 s after the coil went off: the contactor sticks, or releases too slowly"
        )
    return ""


def words(mask: int, page_key: bool, phases: int) -> dict[str, str]:
    """Return what each contact says in words, by its name."""
    cpython.install()
    from firmware.signals import COIL_NAMES, IN_AUTO, IN_BYPASS, IN_DIP_SHIFT

    said = {
        f"mirror {name}": "not open" if mask >> n & 1 else "open"
        for n, name in enumerate(COIL_NAMES[: phases + 1])
    }
    said["switch"] = "AUTO" if mask & IN_AUTO else "OFF"
    said["bypass"] = "in" if mask & IN_BYPASS else "not in"
    for n in range(4):
        said[f"DIP {n + 1}"] = "ON" if mask >> (IN_DIP_SHIFT + n) & 1 else "OFF"
    said["page key"] = "pressed" if page_key else "released"
    return said


def check_inputs(bench: Bench) -> None:
    """Show the contacts until the person has operated all of them, and ask whether all followed."""
    bench.person.tell("\n" + INPUTS_WHY)
    seen: dict[str, set[str]] = {}

    def look() -> str:
        found = bench.run("coils", "read()")
        said = words(found["mask"], found["page_key"], bench.facts["phases"])
        if not bench.facts["page_key"]:
            del said["page key"]
        for name, word in said.items():
            seen.setdefault(name, set()).add(word)
        return "  " + "  ".join(f"{name} {word}" for name, word in said.items())

    bench.person.tell("  Press Enter when you have tried them all.")
    bench.person.watch("inputs", look)
    answer = bench.person.ask("inputs", "\nDid every one follow?")
    untried = [name for name, said in seen.items() if len(said) == 1 and not name.startswith("mirror")]
    if answer == SKIP:
        bench.skipped("switches", "not judged")
    elif answer == NO:
        bench.failed(
            "switches", "look at the wire, the 10 kOhm to 3.3 V and the optocoupler of the one that does not"
        )
    elif len(untried) == sum(not name.startswith("mirror") for name in seen):
        bench.skipped("switches", "none was operated")
    elif untried:
        bench.passed("switches", f"not seen both ways: {', '.join(untried)}")
    else:
        bench.passed("switches", "all seen both ways")

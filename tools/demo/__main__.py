"""Play a scenario at phasor level, a day in about a minute; tell it and draw it."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from tools import cpython
from tools.demo.timeline import Timeline, clock

ROOT = Path(__file__).parent.parent.parent
SCENARIO = ROOT / "tools" / "scenarios" / "day.toml"
PICTURE = ROOT / "build" / "demo.png"
AFTER_LAST_STEP_S = 60.0
ENTERED_S = 5.0  # when load management is entered
# Seconds of the day that pass in one of the spectator's: hours on the grid, in backup, while counting down.
PACE_GRID, PACE_BACKUP, PACE_COUNTDOWN = 2400.0, 450.0, 50.0
_LATE_S = 0.3  # a machine that is slower than the pace does not make up for it
_EVERY_S = 1800.0
_STATUS_S = {True: 4 * _EVERY_S, False: _EVERY_S}  # on the grid and off it


class Pace:
    """Holds the simulation back to a speed at which it can be watched."""

    def __init__(self, fast: bool) -> None:
        self._fast = fast
        self._due = time.monotonic()
        self._last_ms = 0.0

    def step(self, simulation) -> None:
        """Sleep when the simulation is ahead."""
        if self._fast:
            return
        from firmware.signals import GRID

        box = simulation.box
        pace = PACE_COUNTDOWN if box.countdown_s > 1 else PACE_GRID if box.state == GRID else PACE_BACKUP
        self._due += (simulation.t_ms - self._last_ms) / 1000 / pace
        self._last_ms = simulation.t_ms
        ahead = self._due - time.monotonic()
        if ahead > 0.02:
            time.sleep(ahead)
        elif ahead < -_LATE_S:
            self._due -= ahead + _LATE_S


class Player:
    """Runs one simulation to the end of its day."""

    def __init__(self, steps: list[dict[str, Any]], fast: bool) -> None:
        from tools.demo.master import LOAD_MANAGEMENT
        from tools.demo.recorder import Recorder
        from tools.simulator.simulation import Simulation

        self.events: list[dict[str, Any]] = []
        self.limits = [LOAD_MANAGEMENT[f"soc_min_l{n}"] for n in (1, 2, 3)]
        self.recorder = Recorder()
        self._settings = LOAD_MANAGEMENT
        self._timeline = Timeline(self.limits)
        self._pace = Pace(fast)
        self._status_s = _EVERY_S
        self.end_s = steps[-1]["at_s"] + AFTER_LAST_STEP_S
        self.simulation = Simulation(steps, level="phasor", emit=self.events.append)

    def run(self) -> None:
        """Play; raises master.NoReplyError when the box refuses what the storage system sets."""
        from tools.demo.master import enter

        simulation = self.simulation
        self._after_step()
        self._until(ENTERED_S)
        shown = ", ".join(f"L{n + 1} from {limit} %" for n, limit in enumerate(self.limits))
        print(f"{clock(ENTERED_S):10}  storage enters load management over Modbus: {shown}")
        for _ in enter(simulation, self._settings):
            self._after_step()
        self._until(self.end_s)

    def _until(self, t_s: float) -> None:
        simulation = self.simulation
        while simulation.t_ms < t_s * 1000 - 1e-6:
            simulation.step(t_s * 1000)
            self._after_step()

    def _after_step(self) -> None:
        simulation = self.simulation
        events = self.events
        self.recorder.step(simulation, bool(events))
        if events:
            for line in self._timeline.lines(events, simulation.box):
                print(line, flush=True)
            events.clear()
        if simulation.t_ms >= self._status_s * 1000:
            self._status()
        self._pace.step(simulation)

    def _status(self) -> None:
        from firmware.signals import GRID

        box = self.simulation.box
        if self._status_s % _STATUS_S[box.state == GRID] == 0:
            print(self._timeline.status(self._status_s, box), flush=True)
        self._status_s += _EVERY_S


def _summary(player: Player) -> str:
    from firmware.signals import BACKUP, GRID

    record = player.recorder
    backup_s = battery_wh = 0.0
    for n in range(1, len(record.t_s)):
        length_s = record.t_s[n] - record.t_s[n - 1]
        if record.state[n - 1] != GRID:
            backup_s += length_s
        if record.state[n - 1] == BACKUP:
            battery_wh += sum(record.house_w[n - 1]) * length_s / 3600
    energy = player.simulation.box.energy
    return (
        f"{backup_s / 60:.0f} min off the grid, {battery_wh / 1000:.2f} kWh from the battery meanwhile; "
        f"{energy.grid_import[3] / 1000:.2f} kWh imported, {energy.grid_export[3] / 1000:.2f} kWh exported, "
        f"{energy.pv[3] / 1000:.2f} kWh of PV"
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.demo", description=__doc__)
    parser.add_argument("--scenario", default=str(SCENARIO), metavar="FILE.toml", help="another day")
    parser.add_argument("--picture", default=str(PICTURE), metavar="FILE.png", help="where to draw it")
    parser.add_argument("--fast", action="store_true", help="do not wait between the events")
    given = parser.parse_args(arguments)
    cpython.install()
    from tools.demo.master import NoReplyError
    from tools.simulator.scenario import ScenarioError, load

    picture = Path(given.picture)
    if picture.suffix != ".png" or picture.is_dir():
        print(f"demo: --picture {picture}: must be a file that ends in .png", file=sys.stderr)
        return 2
    try:
        steps = load(given.scenario)
        picture.parent.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        player = Player(steps, given.fast)
        player.run()
        print(f"\n{_summary(player)}")
        from tools.demo.picture import draw

        draw(player.recorder, player.limits, picture)
        shown = picture.resolve()
        shown = shown.relative_to(ROOT) if shown.is_relative_to(ROOT) else shown
        print(f"{shown} shows it; {player.end_s / 3600:.3g} h took {time.monotonic() - started:.0f} s")
    except (ScenarioError, NoReplyError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"demo: {given.picture}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print()
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

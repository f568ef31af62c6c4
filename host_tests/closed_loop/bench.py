"""The whole box in a simulation, and short ways to ask what happened."""

from tools.simulator.simulation import Simulation


def box(steps=(), level="sample", until_ms=3000.0, manage=None):
    """Return a simulation that has run until the box feeds the house from the grid."""
    first = {"at_s": 0.0, "noise_lsb": 1.0}
    simulation = Simulation([first] + list(steps), level)
    if manage:
        commit(simulation, manage)
    simulation.run_until(until_ms)
    return simulation


def stage(simulation, settings):
    """Let settings wait for a commit."""
    staging = simulation.box.staging
    staging.staged.update(settings)
    staging.changed()


def commit(simulation, settings):
    """Put settings into effect the way a master does, without the wire."""
    stage(simulation, settings)
    reason = simulation.box.commit()
    assert not reason, reason


def events(simulation, event, **fields):
    """Return the times of the events with these fields."""
    return [
        entry["t_ms"]
        for entry in simulation.events
        if entry["event"] == event and all(entry.get(key) == fields[key] for key in fields)
    ]


def coil(simulation, name, on):
    """Return when a coil was switched."""
    return events(simulation, "coil", name=name, on=on)

"""The storage system's part of the demo: load management, entered in real Modbus frames."""

from collections.abc import Iterator

LOAD_MANAGEMENT = {
    "priority_l1": 1,
    "priority_l2": 2,
    "priority_l3": 3,
    "soc_min_l1": 10,
    "soc_min_l2": 40,
    "soc_min_l3": 50,
    "load_management_enable": 1,
}
_PATIENCE_MS = 5000.0


class NoReplyError(RuntimeError):
    """The box did not accept a request of the demo's master."""


def enter(simulation, values: dict[str, int]) -> Iterator[None]:
    """Write settings one by one, then commit; runs the simulation, and yields after each of its steps.

    Raises NoReplyError where the box does not answer as Modbus wants it.
    """
    from tools.register_list import addresses
    from tools.simulator.line import write_single

    places = addresses()
    line = simulation.line
    unit = simulation.box.settings["unit_address"]
    line.take()
    for name, value in {**values, "commit": 1}.items():
        request = write_single(unit, places[name], value)
        line.feed(request)
        reply = b""
        until_ms = simulation.t_ms + _PATIENCE_MS
        while not reply and simulation.t_ms < until_ms:
            simulation.step()
            yield
            reply = line.take()
        if reply != request:  # function 06 echoes what it has written
            raise NoReplyError(f"{name} = {value}: the box answered {reply.hex() or 'nothing'}")

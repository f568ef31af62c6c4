"""Random scenarios: whatever happens, the invariants of host_tests/host/invariants.py hold.

The scenarios are what a scenario file can hold, and what a master can send. The seed is fixed.
"""

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from firmware.signals import GRID
from host_tests.host.invariants import DELAY_MS, RETURN_MS, Referee
from host_tests.unit.modbus_line import ADDRESSES, write_many, write_one
from tools.simulator import scenario

FIXED = {
    "derandomize": True,
    "database": None,
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}

SOUND = {"grid_v": [230.0] * 3, "grid_hz": 50.0, "grid_deg": [0.0, -120.0, 120.0]}
BACKUP = {"backup_v": 230.0, "backup_delay_s": 0.3}
REPAIRED = {"fault": "none", "switch": "auto", "bypass": False}

volts = st.one_of(
    st.sampled_from([0.0, 20.0, 60.0, 115.0, 150.0, 190.0, 230.0, 230.0, 230.0, 258.0, 280.0]),
    st.floats(0, 300).map(lambda value: round(value, 1)),
)
grid = st.one_of(
    st.just(SOUND),
    st.just({"grid_v": [0.0] * 3}),
    st.builds(lambda value: {"grid_v": [value] * 3}, volts),
    st.builds(lambda *values: {"grid_v": list(values)}, volts, volts, volts),
    st.sampled_from([47.0, 47.55, 49.0, 50.0, 51.45, 52.5]).map(lambda hz: {"grid_hz": hz}),
    st.sampled_from([[0, -120, 120], [0, 120, -120], [0, 0, 120], [30, -90, 150]]).map(
        lambda deg: {"grid_deg": deg}
    ),
    st.just({"grid_hz": 50.0, "grid_deg": [0, -120, 120]}),
)
house = st.one_of(
    st.builds(lambda *watts: {"load_w": list(watts)}, *[st.sampled_from([0, 100, 2000, 14000])] * 3),
    st.sampled_from([0, 3000, 9000]).map(lambda watts: {"pv_w": watts}),
)
backup = st.one_of(
    st.just(BACKUP),
    st.sampled_from([0, 150, 190, 230, 260, [230, 0, 0], [0, 230, 230]]).map(lambda v: {"backup_v": v}),
    st.sampled_from([0, 0.05, 2, 12]).map(lambda delay: {"backup_delay_s": delay}),
)
battery = st.one_of(
    st.integers(0, 100).map(lambda soc: {"soc": soc, "soc_silent": False}),
    st.just({"soc_silent": True}),
)
faults = st.sampled_from(scenario.FAULTS).map(lambda fault: {"fault": fault})
operator = st.one_of(
    st.sampled_from(["off", "auto", "auto"]).map(lambda at: {"switch": at}),
    st.sampled_from([True, False, False]).map(lambda at: {"bypass": at}),
    st.lists(st.integers(0, 1), min_size=4, max_size=4).map(lambda dip: {"dip": dip}),
    st.just({"restart": True}),
)


def _manage(order, limits, mask):
    """Return the request that sets load management and the phases of the backup output, and commits."""
    first = ADDRESSES["backup_phases"]
    limits = sorted(limits)
    return {
        "orders": [
            write_many(first, mask, 1, *order, *[limits[priority - 1] for priority in order]),
            write_one(ADDRESSES["commit"], 1),
        ]
    }


master = st.one_of(
    st.just({"orders": [write_one(ADDRESSES["reset_faults"], 1)]}),
    st.builds(
        _manage,
        st.permutations([1, 2, 3]),
        st.lists(st.integers(10, 100), min_size=3, max_size=3, unique=True),
        st.sampled_from([7, 7, 7, 7, 1, 2, 4, 5]),
    ),
    st.just({"orders": [write_one(ADDRESSES["load_management_enable"], 0), write_one(ADDRESSES["commit"], 1)]}),
)
outage = st.sampled_from([{"grid_v": [0.0] * 3}, {"grid_v": [230.0, 0.0, 230.0]}, {"grid_v": [150.0] * 3}])
repair = st.just({"fault": "none"})
WEIGHTS = (
    *[outage] * 4,
    *[st.just(SOUND)] * 3,
    *[faults] * 5,
    *[grid, battery] * 2,
    *[backup, house, operator, repair, master],
)


@st.composite
def _changes(draw, gaps, longest):
    count = draw(st.integers(3, longest))
    return [(draw(gaps), draw(draw(st.sampled_from(WEIGHTS)))) for _ in range(count)]


short_gaps = st.floats(0, 0.4).map(lambda gap: round(gap, 4))
long_gaps = st.sampled_from([0.4, 1.0, 2.2, 3.0, 3.0, 5.0, 12.0, 12.0, 30.0, 70.0, 320.0])
phasor_changes = _changes(st.one_of(short_gaps, long_gaps, long_gaps), 14)
sample_changes = _changes(short_gaps, 12)


def _play(changes, level, start_s=0.0):
    """Carry out `(gap, change)` one after the other; return the referee and the time reached in s."""
    referee = Referee([], level)
    referee.run_until(start_s * 1000)
    for gap_s, what in changes:
        referee.run_until(referee.simulation.t_ms + gap_s * 1000)
        note("%.4f s: %s" % (referee.simulation.t_ms / 1000, what))
        if "orders" in what:
            for frame in what["orders"]:
                referee.ask(frame)
        else:
            assert scenario.check({"at_s": 0, **what}) == ""
            referee.simulation.apply(what)
        referee.read_registers()
    return referee


def _mend(referee, **also):
    """Repair everything, reset the faults, and change what is in `also`."""
    referee.simulation.apply({**BACKUP, **REPAIRED, **also})
    referee.run_until(referee.simulation.t_ms + 600)  # a box that is being restarted
    reset = write_one(ADDRESSES["reset_faults"], 1)
    assert reset in (referee.ask(reset), referee.ask(reset))


def _back_to_grid(referee):
    """Give the box what it needs and as long as it may need; it must have returned to the grid."""
    _mend(referee, **SOUND)
    end_ms = referee.simulation.t_ms + DELAY_MS + RETURN_MS
    while referee.simulation.box.state != GRID and referee.simulation.t_ms < end_ms:
        referee.run_until(referee.simulation.t_ms + 1000)
    referee.run_until(referee.simulation.t_ms + 3000)
    assert referee.simulation.box.state == GRID
    assert referee.simulation.box.phases_supplied == 7


@settings(max_examples=150, **FIXED)
@given(phasor_changes)
def test_random_scenarios_and_back_to_the_grid(changes):
    _back_to_grid(_play(changes, "phasor"))


@settings(max_examples=25, **FIXED)
@given(sample_changes)
def test_random_scenarios_of_samples(changes):
    referee = _play(changes, "sample", start_s=2.2)
    referee.run_until(referee.simulation.t_ms + 500)

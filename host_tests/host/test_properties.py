"""Random scenarios: whatever happens, the invariants of host_tests/host/invariants.py hold.

The scenarios are what a scenario file can hold, and what a master can send. The seed is fixed.
"""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware.publish.access import KEYS
from firmware.signals import BACKUP as STATE_BACKUP
from firmware.signals import FAULT_LOCKED_SHIFT, GRID
from host_tests.host.invariants import DELAY_MS, RETURN_MS, SUPPLY_MS, Referee
from host_tests.unit.modbus_line import ADDRESSES, write_many, write_one
from tools.simulator import scenario, switchgear

FIXED = {
    "derandomize": True,
    "database": None,
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}

SOUND = {"grid_v": [230.0] * 3, "grid_hz": 50.0, "grid_deg": [0.0, -120.0, 120.0]}
BACKUP = {"backup_v": 230.0, "backup_delay_s": 0.3}
RESET = [write_one(ADDRESSES["unlock"], key) for key in KEYS] + [write_one(ADDRESSES["reset_faults"], 1)]
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
faults = st.builds(
    lambda kind, name: {"fault": f"{kind}_{name}"},
    st.sampled_from(switchgear.KINDS),
    st.sampled_from(["grid", *switchgear.NAMES]),  # twice: everything depends on it
)
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
    st.just({"orders": RESET}),
    st.builds(
        _manage,
        st.permutations([1, 2, 3]),
        st.lists(st.integers(10, 100), min_size=3, max_size=3, unique=True),
        st.sampled_from([7, 7, 7, 7, 1, 2, 4, 5]),
    ),
    st.just(
        {"orders": [write_one(ADDRESSES["load_management_enable"], 0), write_one(ADDRESSES["commit"], 1)]}
    ),
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


def _play(changes, level, start_s=0.0):
    """Carry out `(gap, change)` one after the other; return the referee and the time reached in s."""
    referee = Referee([], level)
    referee.run_until(start_s * 1000)
    for gap_s, what in changes:
        referee.run_until(referee.simulation.t_ms + gap_s * 1000)
        if "orders" in what:
            for frame in what["orders"]:
                referee.ask(frame)
        else:
            assert scenario.check({"at_s": 0, **what}) == ""
            referee.apply(what)
        referee.read_registers()
    return referee


def _mend(referee, **also):
    """Repair everything, change what is in `also`, and reset what is locked; a lock waits for that alone."""
    referee.apply({**BACKUP, **REPAIRED, **also})
    referee.run_until(referee.simulation.t_ms + 600)  # a box that is being restarted
    if referee.simulation.box.faults >> FAULT_LOCKED_SHIFT:
        assert RESET in [[referee.ask(frame) for frame in RESET] for _attempt in range(2)]


def _back_to_grid(referee):
    """Give the box what it needs and as long as it may need; it must have returned to the grid."""
    _mend(referee, **SOUND)
    end_ms = referee.simulation.t_ms + DELAY_MS + RETURN_MS
    while referee.simulation.box.state != GRID and referee.simulation.t_ms < end_ms:
        referee.run_until(referee.simulation.t_ms + 1000)
    referee.run_until(referee.simulation.t_ms + 3000)
    assert referee.simulation.box.state == GRID
    assert referee.simulation.box.phases_supplied == 7


def _on_to_backup(referee):
    """Take the grid away for longer than the box may need; it must feed what it may feed."""
    _mend(referee, grid_v=[0.0] * 3)
    referee.run_until(referee.simulation.t_ms + SUPPLY_MS + 15000)
    assert referee.simulation.box.phases_supplied == referee.served
    assert referee.simulation.box.state == STATE_BACKUP


@settings(max_examples=150, **FIXED)
@given(
    _changes(st.one_of(short_gaps, long_gaps, long_gaps), 14), st.sampled_from([_back_to_grid, _on_to_backup])
)
def test_random_scenarios_and_what_they_end_in(changes, end):
    end(_play(changes, "phasor"))


@settings(max_examples=25, **FIXED)
@given(_changes(short_gaps, 12))
def test_random_scenarios_of_samples(changes):
    referee = _play(changes, "sample", start_s=2.2)
    referee.run_until(referee.simulation.t_ms + 500)


# -- moments that the random scenarios have found, or may miss -------------------------------------------

OUT = {"grid_v": [0.0] * 3}


def test_load_management_holds_from_the_first_moment_of_backup():
    for level in ("phasor", "sample"):
        referee = _play([(2.5, _manage([3, 2, 1], [20, 30, 40], 7)), (0.4, {"soc": 35}), (1.2, OUT)], level)
        referee.run_until(referee.simulation.t_ms + 3000)
        assert referee.simulation.box.phases_supplied == 6, level


def test_a_q_whose_weld_is_hidden_keeps_k_grid_open():
    for others in ([], [{"fault": "aux_grid"}], [{"fault": "weld_grid"}], [{"fault": "stuck_q2"}]):
        faults_first = [(3.0, {"fault": "hidden_weld_q1"}), (0.5, OUT), *[(5.0, what) for what in others]]
        referee = _play([*faults_first, (3.0, SOUND)], "phasor")
        referee.run_until(referee.simulation.t_ms + 60000)
        assert referee.hidden_joins == 0


def test_a_k_grid_whose_weld_is_hidden_meets_a_dead_grid_only_and_is_left_when_it_returns():
    referee = _play([(3.0, {"fault": "hidden_weld_grid"}), (1.0, OUT)], "phasor")
    referee.run_until(referee.simulation.t_ms + 5000)
    assert referee.hidden_joins >= 1  # nothing could show it: the grid side was dead
    referee.apply(SOUND)
    referee.run_until(referee.simulation.t_ms + 20000)
    assert not referee.simulation.plant.joined
    for value in (60.0, 115.0, 150.0, 280.0):  # a grid that is bad and not dead shows the weld
        referee = _play([(3.0, {"fault": "hidden_weld_grid"}), (1.0, {"grid_v": [value] * 3})], "phasor")
        referee.run_until(referee.simulation.t_ms + 60000)
        assert referee.hidden_joins == 0, value


def test_every_fault_and_its_repair():
    for fault in scenario.FAULTS[1:]:
        for end in (_on_to_backup, _back_to_grid):
            referee = _play(
                [(3.0, {"fault": fault}), (1.0, OUT), (25.0, SOUND), (25.0, OUT), (8.0, {})], "phasor"
            )
            assert referee.simulation.plant.hazards == 0 or fault == "hidden_weld_grid"
            end(referee)

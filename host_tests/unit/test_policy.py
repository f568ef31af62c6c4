"""Shedding by state of charge: the examples, hysteresis, spacing, order, and what is stale."""

from firmware.publish.events import EventLog
from firmware.shed.policy import Policy
from firmware.store.settings import defaults

L1, L2, L3, ALL = 1, 2, 4, 7


class House:
    """A policy with its settings: limits and priorities of L1, L2, L3."""

    def __init__(self, minima=(10, 40, 50), priorities=(1, 2, 3), enable=1, **more):
        self.settings = defaults()
        self.settings["load_management_enable"] = enable
        for n in range(3):
            self.settings["priority_l%d" % (n + 1)] = priorities[n]
            self.settings["soc_min_l%d" % (n + 1)] = minima[n]
        self.settings.update(more)
        self.log = EventLog(500)
        self.policy = Policy(self.log)

    def at(self, soc, seconds=1, stale=False, in_backup=True):
        """Let seconds pass at this state of charge; return the permitted phases."""
        for _ in range(seconds):
            permitted = self.policy.step(in_backup, soc, stale, self.settings, 1000)
        assert permitted == self.policy.permitted
        return permitted


def test_first_example_of_the_product():
    """50 % for phase 3 and 40 % for phase 2: off below 50 %, and below 40 %."""
    for soc, permitted in ((100, ALL), (50, ALL), (49, L1 | L2), (40, L1 | L2), (39, L1), (10, L1), (9, 0)):
        assert House((10, 40, 50)).at(soc) == permitted, soc


def test_second_example_of_the_product():
    """30 % and 20 %: phase 3 is supplied from 30 % up, phase 2 from 20 % up."""
    for soc, permitted in ((30, ALL), (29, L1 | L2), (20, L1 | L2), (19, L1)):
        assert House((10, 20, 30)).at(soc) == permitted, soc


def test_the_limits_belong_to_the_phases_whatever_their_priority():
    house = House((50, 10, 40), (3, 1, 2))
    assert house.at(45) == L2 | L3
    assert house.at(39) == L2
    assert house.at(9) == 0


def test_a_falling_battery_drops_one_after_the_other():
    house = House((10, 40, 50))
    seen = [house.at(soc) for soc in range(60, -1, -1)]
    assert [seen[60 - soc] for soc in (50, 49, 40, 39, 10, 9, 0)] == [ALL, 3, 3, L1, L1, 0, 0]


def test_a_dropped_phase_comes_back_the_hysteresis_above_its_limit():
    for hysteresis in (1, 5, 20):
        house = House((10, 40, 50), soc_hysteresis=hysteresis)
        house.at(49)
        assert house.at(50 + hysteresis - 1, 300) == L1 | L2
        assert house.at(50 + hysteresis) == ALL


def test_a_limit_near_the_top_comes_back_at_100_percent_at_the_latest():
    house = House((10, 40, 98))
    house.at(97)
    assert house.at(99, 300) == L1 | L2
    assert house.at(100) == ALL


def test_restored_one_by_one_the_highest_priority_first_60_s_apart():
    for priorities, minima, order in (
        ((1, 2, 3), (10, 20, 30), (L1, L2, L3)),
        ((3, 2, 1), (30, 20, 10), (L3, L2, L1)),
        ((2, 3, 1), (20, 30, 10), (L3, L1, L2)),
    ):
        house = House(minima, priorities)
        assert house.at(5) == 0
        permitted = 0
        for phase in order:
            permitted |= phase
            assert house.at(90) == permitted
            assert house.at(90, 59) == permitted
    assert house.at(90) == ALL


def test_the_gap_is_a_setting():
    house = House((10, 20, 30), restore_gap_s=120)
    house.at(5)
    assert house.at(90) == L1
    assert house.at(90, 119) == L1
    assert house.at(90) == L1 | L2


def test_dropping_does_not_wait():
    house = House((10, 20, 30))
    house.at(5)
    assert house.at(90) == L1
    assert house.at(9) == 0, "a restore a second ago delays no drop"
    assert house.at(90) == 0, "but the next restore waits for its gap"
    assert house.at(90, 58) == L1


def test_several_phases_may_be_dropped_at_once():
    house = House((10, 40, 50))
    assert house.at(60) == ALL
    assert house.at(5) == 0


def test_a_lower_priority_does_not_wait_for_one_that_may_not_return_yet():
    house = House((10, 40, 50), soc_hysteresis=20)
    house.at(5)
    assert house.at(30) == L1
    assert house.at(59, 200) == L1
    assert house.at(60, 61) == L1 | L2


def test_a_stale_state_of_charge_changes_nothing():
    house = House((10, 40, 50))
    assert house.at(45) == L1 | L2
    assert house.at(5, 300, stale=True) == L1 | L2, "sheds nothing new"
    assert house.at(100, 300, stale=True) == L1 | L2, "restores nothing"
    assert house.at(100) == ALL
    house = House((10, 40, 50))
    assert house.at(-1, 300, stale=True) == ALL, "never told"


def test_outside_backup_nothing_is_shed():
    house = House((10, 40, 50))
    assert house.at(5, in_backup=False) == ALL
    assert house.at(5) == 0
    assert house.at(5, in_backup=False) == ALL
    assert house.at(5, stale=True, in_backup=False) == ALL
    assert house.at(5) == 0, "the next backup begins with what the battery allows"
    house.at(100, in_backup=False)
    assert house.at(45) == L1 | L2


def test_disabled_nothing_is_shed():
    house = House((10, 40, 50), enable=0)
    assert house.at(0) == ALL
    house.settings["load_management_enable"] = 1
    assert house.at(0) == 0
    house.settings["load_management_enable"] = 0
    assert house.at(0) == ALL


def test_a_new_outage_restores_its_first_phase_without_waiting():
    house = House((10, 20, 30))
    house.at(5)
    house.at(90)
    house.at(90, in_backup=False)
    house.at(5)
    assert house.at(90) == L1


def test_every_change_is_told_once():
    house = House((10, 40, 50))
    house.at(45, 10)
    house.at(5, 10)
    house.at(15)
    told = [(e[2]["phase"], e[2]["supplied"], e[2]["soc"]) for e in house.log.entries if e[1] == "shed"]
    assert told == [(3, False, 45), (1, False, 5), (2, False, 5), (1, True, 15)]

"""The interlock, exhaustively: all masks, all feedback including none, both sides of every dead time."""

from firmware.signals import ALL_COILS, K_GRID, Q_ALL
from firmware.transfer.interlock import permitted
from host_tests.unit import interlock_rules


def test_every_combination_keeps_the_rules_and_grants_what_they_allow():
    assert interlock_rules.first_violation(permitted) == ""


def test_the_rules_are_about_the_same_coils():
    assert interlock_rules.K_GRID == K_GRID
    assert sum(interlock_rules.QS) == interlock_rules.Q_ALL == Q_ALL == ALL_COILS - K_GRID


def test_the_search_finds_a_broken_interlock():
    def generous(request, permits, coils, not_open, grid_ms, backup_ms, dead_ms):
        return request & permits & 15

    def mute(*case):
        return 0

    def forgets_unknown(request, permits, coils, not_open, grid_ms, backup_ms, dead_ms):
        return permitted(request, permits, coils, not_open or 0, grid_ms, backup_ms, dead_ms)

    assert interlock_rules.first_violation(generous)
    assert "too little" in interlock_rules.first_violation(mute)
    assert interlock_rules.first_violation(forgets_unknown)


def test_examples_in_plain_words():
    # Normal service: K_GRID stays on while the other side is confirmed open.
    assert permitted(1, 1, 1, 1, 0, 5000, 50) == 1
    # Backup: a second phase joins the first.
    assert permitted(2 | 4, 14, 2, 2, 5000, 0, 50) == 6
    # Nobody knows the feedback: nothing at all.
    assert permitted(1, 15, 0, None, 5000, 5000, 50) == 0
    assert permitted(14, 15, 0, None, 5000, 5000, 50) == 0
    # A Q that stuck takes K_GRID off again, even though it is energised already.
    assert permitted(1, 1, 1, 1 | 4, 0, 0, 50) == 0
    # Both sides at once is a contradiction: neither.
    assert permitted(1 | 2, 15, 0, 0, 5000, 5000, 50) == 0
    # Both sides asked for, but only one permitted: that one.
    assert permitted(15, 14, 0, 0, 5000, 5000, 50) == 14
    # A new K_GRID waits for the dead time, to the millisecond.
    assert permitted(1, 1, 0, 0, 0, 49, 50) == 0
    assert permitted(1, 1, 0, 0, 0, 50, 50) == 1

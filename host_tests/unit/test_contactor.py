"""A contactor's feedback: debounced both ways, unknown until confirmed, and its three clocks."""

from firmware.ticks import LONG_MS
from firmware.transfer.contactor import Contactor


def _confirmed_open():
    contactor = Contactor(0)
    for _ in range(4):
        contactor.step(False, False, 10)
    assert not contactor.not_open
    return contactor


def test_nothing_is_open_before_it_is_confirmed():
    contactor = Contactor(2)
    assert contactor.number == 2
    assert contactor.not_open and not contactor.commanded and not contactor.closed
    assert contactor.open_ms == 0


def test_open_is_confirmed_after_the_debounce_time_to_the_millisecond():
    contactor = Contactor(0)
    contactor.step(False, False, 1)
    for ms in range(1, 15):
        contactor.step(False, False, 1)
        assert contactor.not_open, ms
    contactor.step(False, False, 1)
    assert not contactor.not_open
    assert contactor.open_ms == 1


def test_a_bounce_starts_the_debounce_time_anew():
    contactor = Contactor(0)
    for _ in range(5):
        contactor.step(False, False, 0)
        for _ in range(14):
            contactor.step(False, False, 1)
        contactor.step(False, True, 1)
    assert contactor.not_open and contactor.open_ms == 0


def test_one_long_turn_does_not_confirm_a_contact_that_has_just_changed():
    contactor = Contactor(0)
    contactor.step(False, False, 400)
    assert contactor.not_open, "how long it has been so is not known"
    contactor.step(False, False, 400)
    assert not contactor.not_open


def test_a_shaken_contact_does_not_lose_the_confirmation():
    contactor = _confirmed_open()
    before_ms = contactor.open_ms
    contactor.step(False, True, 10)
    contactor.step(False, True, 10)
    contactor.step(False, False, 10)
    assert not contactor.not_open
    assert contactor.open_ms == before_ms + 30


def test_a_contact_that_is_away_for_the_debounce_time_is_not_open():
    contactor = _confirmed_open()
    contactor.step(False, True, 10)
    contactor.step(False, True, 14)
    assert not contactor.not_open
    contactor.step(False, True, 1)
    assert contactor.not_open and contactor.open_ms == 0


def test_open_time_counts_only_without_command_and_confirmed():
    contactor = _confirmed_open()
    contactor.step(False, False, 100)
    assert contactor.open_ms >= 100
    contactor.step(True, False, 1)  # commanded: at once, though the contact still says open
    assert contactor.open_ms == 0 and contactor.commanded
    contactor.step(True, False, 1)
    assert contactor.open_ms == 0
    contactor.step(False, False, 5)
    assert contactor.open_ms == 5


def test_wrong_time_counts_a_command_that_is_not_followed():
    contactor = _confirmed_open()
    contactor.step(True, False, 10)
    assert contactor.wrong_ms == 0, "the command has just changed"
    contactor.step(True, False, 10)
    contactor.step(True, False, 10)
    assert contactor.wrong_ms == 20 and not contactor.closed
    contactor.step(True, True, 10)
    contactor.step(True, True, 15)
    assert contactor.closed and contactor.wrong_ms == 0


def test_wrong_time_counts_a_contactor_that_does_not_open():
    contactor = _confirmed_open()
    for _ in range(4):
        contactor.step(True, True, 10)
    assert contactor.closed
    contactor.step(False, True, 10)
    assert contactor.wrong_ms == 0
    contactor.step(False, True, 30)
    assert contactor.wrong_ms == 30 and contactor.open_ms == 0 and not contactor.closed
    contactor.step(True, True, 10)
    assert contactor.wrong_ms == 0


def test_the_clocks_saturate():
    contactor = _confirmed_open()
    for _ in range(3):
        contactor.step(False, False, LONG_MS)
    assert contactor.open_ms == LONG_MS
    for _ in range(5):
        contactor.step(True, False, LONG_MS)
    assert contactor.wrong_ms == LONG_MS

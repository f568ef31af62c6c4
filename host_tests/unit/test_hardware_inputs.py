"""Contacts: closed to ground while all is well, so that a broken wire is the safe reading."""

import sys

sys.path.insert(0, "host_tests/shims")

import machine

from firmware.hardware import board_pico
from firmware.hardware.inputs import Inputs
from firmware.signals import ALL_COILS, IN_AUTO, IN_BYPASS, IN_DIP_SHIFT, K_GRID

PINS = dict(board_pico.PINS)
CONTACTS = (
    ("mirror_k_grid", 1, "open"),
    ("mirror_q_l1", 2, "open"),
    ("mirror_q_l2", 4, "open"),
    ("mirror_q_l3", 8, "open"),
    ("switch_auto", IN_AUTO, "closed"),
    ("switch_bypass", IN_BYPASS, "open"),
    ("dip_1", 1 << IN_DIP_SHIFT, "closed"),
    ("dip_2", 2 << IN_DIP_SHIFT, "closed"),
    ("dip_3", 4 << IN_DIP_SHIFT, "closed"),
    ("dip_4", 8 << IN_DIP_SHIFT, "closed"),
)


def _inputs():
    machine.power_on()
    return Inputs(PINS)


def test_nothing_connected_reads_safe():
    inputs = _inputs()
    assert inputs.read() == ALL_COILS | IN_BYPASS, "nothing confirmed open, OFF, bypass in, DIP OFF"
    assert inputs.page_key() is False


def test_each_contact_moves_its_own_bit_only():
    inputs = _inputs()
    at_rest = inputs.read()
    for function, bit, active in CONTACTS:
        machine.close_contact(PINS[function])
        assert inputs.read() == at_rest ^ bit, function
        assert bool(inputs.read() & bit) == (active == "closed"), function
        machine.open_contact(PINS[function])
        assert inputs.read() == at_rest, function


def test_a_healthy_box_in_auto_with_dip_4():
    inputs = _inputs()
    for function in ("mirror_q_l1", "mirror_q_l2", "mirror_q_l3", "switch_auto", "switch_bypass", "dip_4"):
        machine.close_contact(PINS[function])
    assert inputs.read() == K_GRID | IN_AUTO | 8 << IN_DIP_SHIFT


def test_a_broken_wire_is_the_safe_reading():
    inputs = _inputs()
    for function, _bit, _active in CONTACTS:
        machine.close_contact(PINS[function])
    for function, bit, safe in (
        ("mirror_k_grid", K_GRID, K_GRID),
        ("switch_auto", IN_AUTO, 0),
        ("switch_bypass", IN_BYPASS, IN_BYPASS),
    ):
        assert inputs.read() & bit != safe
        machine.open_contact(PINS[function])
        assert inputs.read() & bit == safe, function


def test_the_page_key_is_no_part_of_the_mask():
    inputs = _inputs()
    before = inputs.read()
    machine.close_contact(PINS["page_key"])
    assert inputs.page_key() is True
    assert inputs.read() == before


def test_a_board_may_lack_the_page_key_and_two_phases():
    machine.power_on()
    pins = {function: gpio for function, gpio in PINS.items() if function != "page_key"}
    del pins["mirror_q_l2"], pins["mirror_q_l3"]
    inputs = Inputs(pins)
    assert inputs.page_key() is False
    assert inputs.read() == 3 | IN_BYPASS

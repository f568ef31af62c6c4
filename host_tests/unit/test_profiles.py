"""Profiles: which there are, when they are made, and that their values come all together."""

import struct

from firmware.publish.meter_image import MeterImage, new_desk
from firmware.publish.profiles import Profiles
from firmware.publish.register_map import HOLDING, ILLEGAL_ADDRESS, INPUT, Image
from firmware.publish.sdm630 import Sdm630
from firmware.publish.sunspec import SunSpec
from host_tests.unit.fake_box import FakeBox
from host_tests.unit.modbus_line import ADDRESSES, Line, exception, read_request, write_many

ALL = {"sdm_grid_address": 2, "sdm_pv_address": 3, "sunspec_grid_address": 4, "sunspec_pv_address": 5}


def volts(unit):
    into = bytearray(4)
    assert unit.read(INPUT, 0, 2, into, 0) == 0
    return struct.unpack(">f", bytes(into))[0]


def _measure(box, hundredths):
    """Put another window into the same lists, as the meter does."""
    for n in range(3):
        box.readings.v_cv[n] = hundredths
    box.readings.grid_p_cw[3] = hundredths


def exhausted(profiles):
    """Renew all that there is; return in how many pieces."""
    pieces = 0
    while profiles.step():
        pieces += 1
        assert pieces < 1000
    return pieces


def test_there_are_none_unless_asked_for():
    box = FakeBox()
    profiles = Profiles(box)
    assert profiles.units(box.settings) == ()
    profiles.renew()
    assert not profiles.step()


def test_each_is_what_its_setting_says():
    box = FakeBox()
    assert box.change(ALL) == ""
    units = Profiles(box).units(box.settings)
    assert [(address, type(unit), unit.pv) for address, unit in units] == [
        (2, Sdm630, False),
        (3, Sdm630, True),
        (4, SunSpec, False),
        (5, SunSpec, True),
    ]


def test_two_must_not_share_an_address():
    for second in ({"sunspec_pv_address": 2}, {"unit_address": 2}):
        box = FakeBox()
        refused = dict(second)
        refused["sdm_grid_address"] = 2
        assert "both be 2" in box.change(refused)
        assert box.settings["sdm_grid_address"] == 0


def test_one_that_stays_is_not_made_again():
    box = FakeBox()
    profiles = Profiles(box)
    assert box.change(ALL) == ""
    before = dict(profiles.units(box.settings))
    assert box.change({"sdm_pv_address": 9, "sunspec_pv_address": 0}) == ""
    after = dict(profiles.units(box.settings))
    assert sorted(after) == [2, 4, 9]
    assert after[2] is before[2] and after[4] is before[4]


def test_a_window_is_shown_when_it_is_renewed_and_not_before():
    box = FakeBox()
    assert box.change(ALL) == ""
    profiles = Profiles(box)
    unit = profiles.units(box.settings)[0][1]
    box.readings.v_cv = [23100, 23100, 23100]
    assert abs(volts(unit) - 230.12) < 0.001
    profiles.renew()
    pieces = exhausted(profiles)
    assert pieces > 4 * 3  # small ones: the loop must not be held up
    assert volts(unit) == 231.0


def test_a_window_that_comes_in_between_is_never_mixed_with_the_last():
    box = FakeBox()
    assert box.change({"sdm_grid_address": 2}) == ""
    _measure(box, 20000)
    profiles = Profiles(box)
    unit = profiles.units(box.settings)[0][1]
    for after in range(1, 4):  # pieces of 4
        _measure(box, 20000 + after)
        profiles.renew()
        for _ in range(after):
            profiles.step()
        _measure(box, 21000 + after)
        into = bytearray(4)
        while profiles.step():
            assert unit.read(INPUT, 0x34, 2, into, 0) == 0
            assert struct.unpack(">f", bytes(into))[0] == volts(unit), after
        assert abs(volts(unit) - (200 + after / 100)) < 0.001, after


def test_renewing_goes_on_when_the_next_window_comes():
    """It would never come to its end on a busy box."""
    box = FakeBox()
    assert box.change(ALL) == ""
    profiles = Profiles(box)
    profiles.units(box.settings)
    profiles.renew()
    whole = exhausted(profiles)
    profiles.renew()
    for _ in range(whole // 2):
        profiles.step()
    profiles.renew()
    assert exhausted(profiles) == whole - whole // 2


def test_a_row_stands_where_it_says():
    box = FakeBox()
    image = Image(((100, 109),))
    rows = "64 V 1 2 2\n6a X 3 1 0\n"
    meter = MeterImage(box, False, HOLDING, image, rows, new_desk(20))
    meter.renew()
    assert bytes(image.content) == bytes(20)
    while meter.step():
        pass
    wanted = struct.pack(">ffff", 231.0, 229.5, 0.0, 80000.0)
    assert bytes(image.content) == wanted[:8] + bytes(4) + wanted[12:] + bytes(4)
    into = bytearray(4)
    assert meter.read(HOLDING, 106, 2, into, 0) == 0 and bytes(into) == wanted[12:]
    assert meter.read(INPUT, 106, 2, into, 0) == ILLEGAL_ADDRESS
    assert meter.write(106, 1, into, 0) == ILLEGAL_ADDRESS


def test_a_commit_switches_profiles_on_and_off_over_the_line():
    line = Line()
    first = ADDRESSES["sdm_grid_address"]
    for addresses, answering in (((2, 3, 4, 5), (2, 3, 4, 5)), ((2, 0, 9, 0), (2, 9)), ((0, 0, 0, 0), ())):
        assert line.ask(write_many(first, *addresses)) is not None
        assert line.ask(write_many(ADDRESSES["commit"], 1)) is not None
        for unit in (2, 3, 4, 5, 9):
            reply = line.ask(read_request(3, 40000, 2, unit))
            if unit not in answering:
                assert reply is None, unit
            elif unit in (4, 5, 9):
                assert reply[3:7] == b"SunS", unit
            else:
                assert reply == exception(3, ILLEGAL_ADDRESS, unit), unit

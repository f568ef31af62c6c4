"""The SunSpec profile as bytes: header, common model, meter model, end.

host_tests/host/test_sunspec_models.py holds it against the published models.
"""

import struct

from firmware.publish.profiles import Profiles
from firmware.publish.register_map import HOLDING, ILLEGAL_ADDRESS, INPUT
from firmware.publish.sunspec import FIRST, LAST
from host_tests.unit.fake_box import FakeBox

NOT_IMPLEMENTED = b"\x7f\xc0\x00\x00"


def content(box, pv=False):
    """Return all registers of a profile as bytes; in requests a master could make."""
    assert box.change({"sunspec_grid_address": 4, "sunspec_pv_address": 5}) == ""
    units = Profiles(box).units(box.settings)
    assert [address for address, _profile in units] == [4, 5]
    unit = units[1 if pv else 0][1]
    into = bytearray(2 * (LAST + 1 - FIRST))
    for start in range(FIRST, LAST + 1, 100):
        count = min(100, LAST + 1 - start)
        assert unit.read(HOLDING, start, count, into, 2 * (start - FIRST)) == 0
    return bytes(into)


def words(image, at, count):
    return struct.unpack_from(">%dH" % count, image, 2 * at)


def number(image, at):
    return struct.unpack_from(">f", image, 2 * at)[0]


def text(image, at, count):
    return image[2 * at : 2 * (at + count)].rstrip(b"\0")


def test_the_chain_of_models():
    image = content(FakeBox())
    assert image[:4] == b"SunS"
    assert words(image, 2, 2) == (1, 66)
    assert words(image, 70, 2) == (213, 124)
    assert words(image, 196, 2) == (0xFFFF, 0)
    assert len(image) == 2 * 198


def test_the_common_model():
    box = FakeBox()
    for pv, option, address in ((False, b"grid meter", 4), (True, b"PV meter", 5)):
        image = content(box, pv)
        assert text(image, 4, 16) == b"Backup Box"
        assert text(image, 20, 16) == b"BackupBox_PLUS"
        assert text(image, 36, 8) == option
        assert text(image, 44, 8) == b"0.1.0"
        assert text(image, 52, 16) == b"0123456789abcdef"
        assert words(image, 68, 1) == (address,)


def test_values_of_the_grid_meter():
    image = content(FakeBox())
    for at, wanted in (
        (72, 64.233),  # sum of the currents
        (74, 1.234),
        (82, 230.12),
        (96, 49.987),
        (98, -14216.06),
        (100, 284.0),
        (106, 14837.3),
        (114, 20.0),
        (122, -0.958),
        (130, 80000.0),  # Wh exported
        (132, 4.0),
        (138, 70000.0),  # Wh imported
        (140, 1.0),
    ):
        assert abs(number(image, at) - wanted) <= 1e-6 * abs(wanted), at


def test_production_counts_as_import():
    image = content(FakeBox(), True)
    assert number(image, 98) == 3534.0
    assert number(image, 130) == 0.0 and number(image, 140) == 7.0


def test_what_is_not_measured_is_not_implemented():
    image = content(FakeBox())
    for at in range(146, 194, 2):  # apparent and reactive energy
        assert image[2 * at : 2 * at + 4] == NOT_IMPLEMENTED, at
    assert words(image, 194, 2) == (0, 0)  # events: none


def test_a_single_phase_box_is_a_single_phase_meter():
    box = FakeBox()
    box.phases = 1
    image = content(box)
    assert words(image, 70, 2) == (211, 124)
    for at in (72, 74, 80, 82, 96, 98, 100, 108, 116, 124, 130, 132, 138, 140):
        assert image[2 * at : 2 * at + 4] != NOT_IMPLEMENTED, at
    for at in (76, 78, 84, 86, 88, 90, 92, 94, 102, 104, 110, 112, 118, 120, 126, 128, 134, 136, 142, 144):
        assert image[2 * at : 2 * at + 4] == NOT_IMPLEMENTED, at


def test_nothing_else_can_be_read_and_nothing_written():
    box = FakeBox()
    content(box)
    unit = Profiles(box).units(box.settings)[0][1]
    into = bytearray(8)
    assert unit.read(HOLDING, LAST + 1, 1, into, 0) == ILLEGAL_ADDRESS
    assert unit.read(HOLDING, 0, 2, into, 0) == ILLEGAL_ADDRESS  # where discovery looks as well
    assert unit.read(INPUT, FIRST, 2, into, 0) == ILLEGAL_ADDRESS
    assert unit.write(FIRST, 1, into, 0) == ILLEGAL_ADDRESS

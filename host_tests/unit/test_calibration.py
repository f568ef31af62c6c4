"""Calibration: defaults, and what no working front end can have is refused."""

from firmware.acquire.calibration import Calibration, CalibrationError
from firmware.acquire.layout import CHANNELS

GAIN_V = 400.0 / 2048
GAIN_A = 100.0 / 2048


def _refused(calibration, name, **values):
    before = (list(calibration.gain), list(calibration.offset), list(calibration.polarity))
    try:
        calibration.set(name, **values)
    except CalibrationError as error:
        assert before == (calibration.gain, calibration.offset, calibration.polarity)
        return str(error)
    raise AssertionError("not refused: %s %s" % (name, values))


def test_defaults_are_the_reference_front_end():
    calibration = Calibration()
    for number, name in enumerate(CHANNELS):
        assert calibration.gain[number] == (GAIN_A if name[0] in "IP" else GAIN_V), name
    assert calibration.offset == [0] * 16 == [int(x) for x in calibration.phase_deg]
    assert calibration.polarity == [1] * 16


def test_one_channel_is_set_and_the_others_stay():
    calibration = Calibration()
    calibration.set("P2", gain=0.05, offset=-12, polarity=-1, phase_deg=1.5)
    number = CHANNELS.index("P2")
    other = Calibration()
    for n in range(16):
        if n == number:
            assert (calibration.gain[n], calibration.offset[n]) == (0.05, -12)
            assert (calibration.polarity[n], calibration.phase_deg[n]) == (-1, 1.5)
        else:
            assert calibration.gain[n] == other.gain[n] and calibration.offset[n] == 0


def test_a_gain_of_zero_keeps_the_default():
    calibration = Calibration()
    calibration.set("V1", gain=0.25)
    calibration.set("V1", offset=3)
    assert calibration.gain[0] == GAIN_V and calibration.offset[0] == 3


def test_bounds_are_inclusive():
    calibration = Calibration()
    for values in (
        {"gain": 0.94 * GAIN_V},
        {"gain": 5.0 * GAIN_V},
        {"offset": 400},
        {"offset": -400},
        {"phase_deg": 15.0},
        {"phase_deg": -15.0},
    ):
        calibration.set("V1", **values)


def test_impossible_values_are_refused_with_channel_and_value():
    for values, word in (
        ({"gain": 0.93 * GAIN_V}, "gain"),
        ({"gain": 5.1 * GAIN_V}, "gain"),
        ({"gain": -GAIN_V}, "gain"),
        ({"gain": float("nan")}, "gain"),
        ({"offset": 401}, "offset"),
        ({"offset": -401}, "offset"),
        ({"polarity": 0}, "polarity"),
        ({"polarity": 2}, "polarity"),
        ({"phase_deg": 15.1}, "phase"),
        ({"phase_deg": -15.1}, "phase"),
    ):
        for name in ("V1", "B3"):
            text = _refused(Calibration(), name, **values)
            assert name in text and word in text, text
    assert "X9" in _refused(Calibration(), "X9", offset=1)
    _refused(Calibration(), "I1", gain=GAIN_V * 5)


def test_rows_are_loaded():
    calibration = Calibration()
    calibration.load({"V1": {"gain": 0.2}, "I3": {"polarity": -1, "offset": 5}})
    assert calibration.gain[0] == 0.2 and calibration.polarity[10] == -1 and calibration.offset[10] == 5
    calibration.load({})


def test_rows_with_unknown_or_unreadable_entries_are_refused():
    for rows in (
        {"V1": {"gian": 0.2}},
        {"V1": {"gain": "0.2"}},
        {"V1": {"offset": "3"}},
        {"Q1": {}},
    ):
        try:
            Calibration().load(rows)
        except CalibrationError:
            continue
        raise AssertionError("not refused: %s" % rows)


def _rows_refused(rows):
    try:
        Calibration().load(rows)
    except CalibrationError:
        return True
    return False


def test_calibration_offset_must_be_whole():
    assert _rows_refused({"V1": {"offset": 1.5}})


def test_calibration_gain_that_cannot_see_the_limits():
    assert _rows_refused({"V1": {"gain": 0.25 * 400 / 2048}})


def test_calibration_row_that_is_no_row():
    assert _rows_refused({"V1": 5})


def test_calibration_refused_leaves_all_channels_at_their_defaults():
    calibration = Calibration()
    for order in (("V1", "V2"), ("V2", "V1")):
        rows = {"V1": {"polarity": -1}, "V2": {"gain": 9.0}}
        try:
            calibration.load({name: rows[name] for name in order})
            raise AssertionError("a gain of 9 V per count was taken")
        except CalibrationError as error:
            assert "V2" in str(error)
    assert calibration.polarity[0] == 1

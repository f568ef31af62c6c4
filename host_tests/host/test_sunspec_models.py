"""The SunSpec profile against the models that SunSpec publishes, as pysunspec2 brings them along."""

import json
import math
import pathlib
import struct

import pytest
import sunspec2

from host_tests.unit.fake_box import FakeBox
from host_tests.unit.test_sunspec import content

FOLDER = pathlib.Path(sunspec2.__file__).parent / "models/json"
SIZES = {"uint16": 1, "pad": 1, "float32": 2, "bitfield32": 2}
PHASES = ("A", "B", "C")


def points(number):
    """Return (offset, point) for every point of a model."""
    at, listed = 0, []
    for point in json.loads((FOLDER / f"model_{number}.json").read_text(encoding="utf-8"))["group"]["points"]:
        assert point["size"] == SIZES.get(point["type"], point["size"])
        listed.append((at, point))
        at += point["size"]
    return listed


def length(number):
    at, last = points(number)[-1]
    return at + last["size"] - 2


def expected(box, pv):
    """Return the value of every point that is measured, by its name in the model."""
    r, e = box.readings, box.energy
    volts, amperes, p, q, s, pf = (
        (r.u_cv, r.pv_i_ma, r.pv_p_cw, r.pv_q_cvar, r.pv_s_cva, r.pv_pf_mil)
        if pv
        else (r.v_cv, r.i_ma, r.grid_p_cw, r.grid_q_cvar, r.grid_s_cva, r.grid_pf_mil)
    )
    gained, drawn = (e.pv, [0] * 4) if pv else (e.grid_import, e.grid_export)
    line = [math.hypot(a + b / 2, b * 3**0.5 / 2) for a, b in zip(volts, volts[1:] + volts[:1], strict=True)]
    wanted = {"A": sum(amperes) / 1000, "PhV": sum(volts) / 300, "PPV": sum(line) / 300, "Hz": 49.987}
    wanted |= {"PPVphAB": line[0] / 100, "PPVphBC": line[1] / 100, "PPVphCA": line[2] / 100}
    rows = (("W", p, 100), ("VA", s, 100), ("VAR", q, 100), ("PF", pf, 1000))
    for name, values, divisor in rows:
        wanted |= {f"{name}ph{phase}": values[n] / divisor for n, phase in enumerate(PHASES)}
        wanted[name] = values[3] / divisor
    for name, values in (("TotWhExp", drawn), ("TotWhImp", gained)):
        wanted |= {f"{name}Ph{phase}": values[n] for n, phase in enumerate(PHASES)}
        wanted[name] = values[3]
    for n, phase in enumerate(PHASES):
        wanted |= {f"Aph{phase}": amperes[n] / 1000, f"PhVph{phase}": volts[n] / 100}
    return wanted


@pytest.mark.parametrize("pv", [False, True])
@pytest.mark.parametrize(("phases", "number"), [(3, 213), (1, 211)])
def test_every_point_of_the_meter_model_stands_where_the_model_says(phases, number, pv):
    box = FakeBox()
    box.phases = phases
    box.energy.pv[3] = 90001
    image = content(box, pv)
    wanted = expected(box, pv)
    if phases == 1:
        wanted = {key: value for key, value in wanted.items() if key[-1] not in "BC" and "PPV" not in key}
        amperes = box.readings.pv_i_ma if pv else box.readings.i_ma
        volts = box.readings.u_cv if pv else box.readings.v_cv
        wanted |= {"A": sum(amperes) / 1000, "PhV": sum(volts) / 100}
    first = 70
    assert struct.unpack_from(">HH", image, 2 * first) == (number, length(number))
    for offset, point in points(number)[2:]:
        at, name = 2 * (first + offset), point["name"]
        if name == "Evt":
            assert image[at : at + 4] == bytes(4)
            continue
        assert point["type"] == "float32"
        value = struct.unpack_from(">f", image, at)[0]
        if name in wanted:
            near = 0.031 if "PPV" in name else 0.011  # quarters of 0.01 V are left out
            assert value == pytest.approx(wanted.pop(name), rel=1e-6, abs=near), name
        else:
            assert math.isnan(value) and "mandatory" not in point, name
    assert wanted == {}


def test_the_common_model_has_the_length_and_the_points_of_the_published_one():
    image = content(FakeBox())
    assert struct.unpack_from(">HH", image, 4) == (1, length(1))
    for offset, point in points(1)[2:]:
        place = image[2 * (2 + offset) : 2 * (2 + offset + point["size"])]
        if point["type"] == "string":
            assert place.rstrip(b"\0").decode("ascii"), point["name"]  # all of them are told
        elif point["name"] == "DA":
            assert place == b"\0\4"


def test_the_models_follow_each_other_to_the_end():
    image = content(FakeBox())
    assert image[:4] == b"SunS"
    at, chain = 2, []
    while at < len(image) // 2:
        number, words = struct.unpack_from(">HH", image, 2 * at)
        chain.append(number)
        at += 2 + words
    assert chain == [1, 213, 0xFFFF] and at == len(image) // 2

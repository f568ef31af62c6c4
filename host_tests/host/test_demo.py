"""The demo on a short scenario: what it tells, what it draws, and what it refuses."""

import pytest

from tools.demo.__main__ import main
from tools.demo.timeline import clock

SCENARIO = """
[[step]]
at_s = 0
dip = [0, 0, 0, 1]
load_w = [300, 400, 500]
soc = 52

[[step]]
at_s = 60
grid_v = [0, 0, 0]

[[step]]
at_s = 80
soc = 49

[[step]]
at_s = 100
soc = 39

[[step]]
at_s = 120
grid_v = [230, 230, 230]

[[step]]
at_s = 480
load_w = 900
"""


def test_a_short_outage_is_told_and_drawn(tmp_path, capsys):
    scenario, picture = tmp_path / "short.toml", tmp_path / "sub" / "short.png"
    scenario.write_text(SCENARIO)
    assert main(["--scenario", str(scenario), "--picture", str(picture), "--fast"]) == 0
    told = capsys.readouterr().out
    at = [
        told.index(text)
        for text in (
            "load management over Modbus: L1 from 10 %, L2 from 40 %, L3 from 50 %",
            "settings accepted",
            "00:01:00.0  plant   the grid fails",
            "separates the house",
            "K_GRID opens",
            "BACKUP",
            "drops L3: battery at 49 %, below its 50 %",
            "Q_L3 opens",
            "drops L2: battery at 39 %, below its 40 %",
            "the grid is back at 230 / 230 / 230 V",
            "waits 310 s: DIP 4 is ON",
            "00:07:10",
            "min off the grid",
        )
    ]
    assert at[:12] == sorted(at[:12])
    assert told.rindex("NORMAL") > at[11]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert 20_000 < picture.stat().st_size < 200_000


def test_a_day_without_an_outage_is_drawn_too(tmp_path, capsys):
    scenario, picture = tmp_path / "calm.toml", tmp_path / "calm.png"
    scenario.write_text("[[step]]\nat_s = 0\nsoc = 50\n")
    assert main(["--scenario", str(scenario), "--picture", str(picture), "--fast"]) == 0
    assert "0 min off the grid" in capsys.readouterr().out
    assert picture.exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [(None, "none.toml"), ("[[step]]\nat_s = 0\ncolour = 1\n", "colour"), ("step = 1\n", "step")],
)
def test_a_broken_scenario_gets_one_line(text, reason, tmp_path, capsys):
    scenario = tmp_path / "none.toml"
    if text is not None:
        scenario.write_text(text)
    assert main(["--scenario", str(scenario), "--picture", str(tmp_path / "x.png"), "--fast"]) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert reason in printed


def test_a_picture_that_cannot_be_written_gets_one_line(tmp_path, capsys):
    scenario = tmp_path / "calm.toml"
    scenario.write_text("[[step]]\nat_s = 0\n")
    (tmp_path / "file").write_text("")
    for picture in (tmp_path / "file" / "x.png", tmp_path):
        assert main(["--scenario", str(scenario), "--picture", str(picture), "--fast"]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_clock():
    assert clock(0.0) == "00:00:00.0"
    assert clock(67620.25) == "18:47:00.2"
    assert clock(86399.0, tenths=False) == "23:59"

"""Scenario files: what is taken, and the one line for what is not."""

import pytest

from tools.simulator import scenario
from tools.simulator.plant import Plant
from tools.simulator.simulation import Simulation

# For every key: values as TOML that are taken, and values that are not, with a part of the reason.
KEYS = {
    "at_s": (["0", "1.5", "31536000"], {"-0.1": "0 to", '"now"': "number", "inf": "number", "nan": "number"}),
    "grid_v": (["[0, 230.5, 400]"], {"230": "three", "[230, 230]": "three", "[0, 0, -1]": "0 to 400 V"}),
    "grid_hz": (["49.9", "30"], {"29": "30 to 70 Hz", "[50]": "number", "true": "number"}),
    "grid_deg": (["[0, -120, 120]"], {"[0, -361, 0]": "degrees", "0": "three"}),
    "harmonics": (
        ['{"3"=0.05, "5"=0.03}', "{}"],
        {'{"1"=0.1}': "orders are 2 to 50", '{"51"=0.1}': "no order 51", '{"x"=0.1}': "no order x",
         '{"3"=1.5}': "0 to 1", '{"3"=0.6, "5"=0.6}': "add up", "0.05": "table",
         '{"1234567"=0.1}': "no order"},
    ),
    "noise_lsb": (["0", "2.5"], {"-1": "0 to 50", "51": "counts"}),
    "load_w": (["3000", "[1, 2, 3]"], {"[1, 2]": "three of", "[20000, 0, 0]": "three", "1e6": "W"}),
    "load_pf": (["0.9", "-0.8", "[1, 0.5, -0.5]"], {"0": "lagging", "1.1": "lagging", "[1, 1]": "three"}),
    "pv_w": (["0", "[0, 0, 5000]"], {"-5": "W", "[true, 0, 0]": "three of"}),
    "backup_v": (["230", "[230, 0, 0]"], {"401": "V", "[230]": "three of"}),
    "backup_hz": (["50"], {"71": "30 to 70 Hz"}),
    "backup_delay_s": (["0", "0.5"], {"-1": "s", "3601": "3600 s"}),
    "soc": (["0", "100"], {"101": "whole number", "-1": "whole number", "50.5": "whole", "true": "whole"}),
    "soc_silent": (["true", "false"], {"1": "true or false"}),
    "fault": (
        [f'"{fault}"' for fault in scenario.FAULTS],
        {'"weld"': "one of none", '"weld_q4"': "one of", "1": "one of", '["none"]': "one of"},
    ),
    "switch": (['"off"', '"auto"'], {'"on"': "one of off, auto", "false": "one of"}),
    "bypass": (["true", "false"], {'"yes"': "true or false"}),
    "dip": (["[0, 0, 0, 1]"], {"[0, 0, 1]": "four of", "[0, 0, 0, 2]": "four of", "1": "four of"}),
    "restart": (["true"], {"false": "left out", "1": "be true"}),
}  # fmt: skip
FROM_THE_ISSUE = {
    *("at_s", "grid_v", "grid_hz", "grid_deg", "harmonics", "noise_lsb", "load_w", "load_pf", "pv_w"),
    *("backup_v", "backup_delay_s", "soc", "soc_silent", "fault", "switch", "bypass", "dip", "restart"),
}


def _file(folder, text):
    path = folder / "day.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _refusal(path):
    with pytest.raises(scenario.ScenarioError) as caught:
        scenario.load(path)
    text = str(caught.value)
    assert "\n" not in text and text.startswith(f"{path}: ")
    return text


def _step(key, value):
    return f"[[step]]\n{key} = {value}\n" + ("" if key == "at_s" else "at_s = 2\n")


def test_the_table_here_has_every_key():
    assert set(KEYS) == set(scenario.KEYS)
    assert set(KEYS) >= FROM_THE_ISSUE
    for name in ("grid", "q1", "q2", "q3"):
        assert {"weld_" + name, "stuck_" + name, "aux_" + name} <= set(scenario.FAULTS)


@pytest.mark.parametrize("key", KEYS)
def test_good_values_are_taken_and_played(tmp_path, key):
    for value in KEYS[key][0]:
        steps = scenario.load(_file(tmp_path, "[[step]]\nat_s = 0\n" + _step(key, value)))
        steps[-1]["at_s"] = 0
        simulation = Simulation(steps, "phasor")
        simulation.run_until(20)
        assert {k: v for k, v in steps[-1].items() if k not in ("at_s", "restart")}.items() <= (
            simulation.events[1].items()
        )


@pytest.mark.parametrize("key", KEYS)
def test_impossible_values_are_refused_with_file_step_and_reason(tmp_path, key):
    for value, reason in KEYS[key][1].items():
        text = _refusal(_file(tmp_path, "[[step]]\nat_s = 1\n" + _step(key, value)))
        assert f": step 2: {key} " in text, text
        assert reason in text and ", not " in text, text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no [[step]]"),
        ("step = []", "no [[step]]"),
        ("step = 5", "no [[step]]"),
        ("[step]\nat_s = 0", "no [[step]]"),
        ("title = 'x'\n[[step]]\nat_s = 0", "unknown key title"),
        ("[[step]]\nat_s = 0\ngrid = 1", "step 1: unknown key grid; known are at_s, grid_v"),
        ("[[step]]\ngrid_hz = 50", "step 1: at_s is missing"),
        ("[[step]]\nat_s = 0\n[[step]]\nsoc = 5", "step 2: at_s is missing"),
        ("[[step]\nat_s = 0", "not TOML"),
        ("[[step]]\nat_s = 0\nat_s = 1", "not TOML"),
        ("[[step]]\nat_s = 1" + 400 * "0", "step 1: at_s must be"),
        ("x = " + 5000 * "[", "nested too deep"),
    ],
)
def test_a_file_that_is_no_scenario(tmp_path, text, reason):
    assert reason in _refusal(_file(tmp_path, text))


def test_a_file_that_cannot_be_read(tmp_path):
    assert "No such file" in _refusal(tmp_path / "missing.toml")
    assert "directory" in _refusal(tmp_path)
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "not TOML" in _refusal(path)


def test_steps_come_in_the_order_of_time_and_equal_times_as_written(tmp_path):
    steps = scenario.load(
        _file(tmp_path, "".join(f"[[step]]\nat_s = {at}\nsoc = {n}\n" for n, at in enumerate((5, 1, 5, 0))))
    )
    assert [(step["at_s"], step["soc"]) for step in steps] == [(0, 3), (1, 1), (5, 0), (5, 2)]


def test_a_total_load_is_divided_and_a_voltage_is_not():
    plant = Plant(lambda t_ms, fields: None)
    plant.set({"load_w": 3000, "backup_v": 230, "load_pf": -0.5})
    assert (plant.load_w, plant.backup_v, plant.load_pf) == ([1000.0] * 3, [230.0] * 3, [-0.5] * 3)

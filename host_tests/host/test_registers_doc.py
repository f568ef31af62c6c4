"""The generated register documents: their format is a contract, and the files in docs/ are fresh."""

import json
import struct
import tomllib

from firmware.publish.register_map import HOLDING
from firmware.publish.registers import HOLDING_BLOCKS, INPUT_BLOCKS
from firmware.publish.service import FIRMWARE_VERSION
from host_tests.host.test_sunspec_models import points
from host_tests.unit.fake_box import FakeBox
from host_tests.unit.test_sdm630_map import MEASURED, UNMEASURED, profile
from tools import profile_list, registers_doc

KEYS = ["name", "address", "table", "type", "words", "scale", "unit", "access", "enum"]
WORDS = {"u16": 1, "i16": 1, "u32": 2, "i32": 2, "f32": 2}


def _listed():
    return json.loads(registers_doc.as_json(registers_doc.registers()))


def test_every_entry_has_exactly_the_keys_of_the_contract():
    for entry in _listed():
        assert list(entry) == KEYS
        assert entry["table"] in ("input", "holding") and entry["access"] in ("r", "rw")
        assert isinstance(entry["address"], int) and isinstance(entry["unit"], str)
        assert isinstance(entry["scale"], int | float) and entry["scale"] > 0
        if entry["type"] != "ascii":
            assert entry["words"] == WORDS[entry["type"]]


def test_no_two_registers_share_a_name_or_a_word():
    listed = _listed()
    assert len({entry["name"] for entry in listed}) == len(listed)
    taken = set()
    for entry in listed:
        words = set(range(entry["address"], entry["address"] + entry["words"]))
        blocks = INPUT_BLOCKS if entry["table"] == "input" else HOLDING_BLOCKS
        assert any(first <= min(words) and max(words) <= last for first, last in blocks), entry
        assert not words & taken, entry
        taken |= words


def test_entries_that_others_rely_on():
    by_name = {entry["name"]: entry for entry in _listed()}
    assert by_name["meter_model"]["type"] == "ascii" and by_name["meter_model"]["words"] == 8
    assert by_name["state"]["enum"]["3"] == "backup"
    assert by_name["state_reason"]["enum"]["1"] == "interruption"
    assert by_name["coils"]["enum"] == ["K_GRID", "Q_L1", "Q_L2", "Q_L3"]
    assert by_name["phases_supplied"]["enum"] == ["L1", "L2", "L3"]
    assert by_name["soc"]["enum"] is None
    assert (by_name["ct_ratio"]["table"], by_name["ct_ratio"]["access"]) == ("holding", "r")
    assert (by_name["grid_voltage_l1"]["scale"], by_name["grid_voltage_l1"]["unit"]) == (0.01, "V")
    assert (by_name["pv_energy"]["scale"], by_name["pv_energy"]["unit"]) == (0.001, "kWh")
    assert (by_name["baud_rate"]["scale"], by_name["baud_rate"]["unit"]) == (100, "Bd")
    assert (by_name["undervoltage_dv"]["scale"], by_name["undervoltage_dv"]["unit"]) == (0.1, "V")
    assert (by_name["confirm_ms"]["scale"], by_name["confirm_ms"]["unit"]) == (1, "ms")
    settings = [entry["address"] for entry in by_name.values() if _note(entry["name"]).startswith("staged:")]
    assert by_name["commit"]["address"] > max(settings)
    assert sorted(settings) == list(range(min(settings), max(settings) + 1))


def _note(name):
    return next(entry["note"] for entry in registers_doc.registers() if entry["name"] == name)


def test_the_page_lists_every_register_once_and_is_ascii():
    page = registers_doc.as_markdown(registers_doc.registers())
    assert page.isascii()
    for entry in _listed():
        assert page.count(f"| `{entry['name']}` |") == 1, entry["name"]


def test_check_tells_fresh_from_stale(tmp_path, capsys):
    assert registers_doc.main(["--check"], tmp_path) == 1
    assert "registers.md and registers.json" in capsys.readouterr().out
    assert registers_doc.main([], tmp_path) == 0
    assert registers_doc.main(["--check"], tmp_path) == 0
    assert capsys.readouterr().out == ""
    page = tmp_path / "registers.md"
    page.write_text(page.read_text() + "by hand\n")
    assert registers_doc.main(["--check"], tmp_path) == 1
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "registers.md not up to date" in said and "make docs" in said


def test_the_files_in_docs_are_fresh():
    assert registers_doc.main(["--check"]) == 0


def test_the_firmware_has_the_version_of_the_project():
    project = tomllib.loads((registers_doc.ROOT / "pyproject.toml").read_text())["project"]
    assert FIRMWARE_VERSION.decode() == project["version"]


# -- the profiles ------------------------------------------------------------------------------------

WORDS_OF = {
    "voltage": "voltage",
    "current": "current",
    "active": "active power",
    "apparent": "apparent power",
    "reactive": "reactive power",
    "factor": "power factor",
    "angle": "phase angle",
    "import": "energy imported",
    "export": "energy exported",
    "both": "energy imported and exported",
}
UNITS = {"voltage": "V", "current": "A", "power": "W", "frequency": "Hz", "energy": "kWh", "angle": "degrees"}


def test_the_sdm630s_section_says_what_the_public_list_says():
    said = {value.address: value for value in profile_list.values(profile_list.SDM630_ROWS)}
    assert sorted(said) == [address for address, _quantity in MEASURED]
    for address, (quantity, n) in MEASURED:
        what = said[address].what
        if quantity in WORDS_OF:
            assert what == f"{WORDS_OF[quantity]} {('L1', 'L2', 'L3', 'total')[n]}", hex(address)
        elif quantity == "line voltage":
            assert what == "voltage " + ("L1-L2", "L2-L3", "L3-L1")[n]
        elif quantity == "mean line voltage":
            assert what == "mean voltage between phases"
        else:
            assert what.replace("the ", "") == quantity
        for word, unit in UNITS.items():
            if word in what.split() and not what.startswith(("apparent", "reactive", "power factor")):
                assert said[address].unit == unit, (hex(address), what)
    unmeasured = [
        address
        for first, last, _what in profile_list.SDM630_UNMEASURED
        for address in range(first, last + 1, 2)
    ]
    assert unmeasured == sorted(UNMEASURED)


def test_the_sdm630s_holding_registers_are_the_ones_that_are_told():
    box = FakeBox()
    assert box.change({"line_format": 3}) == ""
    into = bytearray(0x26 * 2)
    unit = profile(box)
    assert unit.read(HOLDING, 0, 0x26, into, 0) == 0
    shown = [at for at in range(0, 0x26, 2) if struct.unpack_from(">f", into, 2 * at)[0]]
    assert shown == [address for address, _what, _access in profile_list.SDM630_HOLDINGS]
    for address, _what, access in profile_list.SDM630_HOLDINGS:
        refused = unit.write(address, 2, into, 2 * address)  # what stands there already
        assert bool(refused) == (access == "r"), hex(address)


def test_the_sunspec_section_names_the_points_of_the_published_models():
    published = {40002 + at: point for at, point in points(1)}
    published |= {40070 + at: point for at, point in points(213)}
    named = {value.address: value for value in profile_list.values(profile_list.SUNSPEC_ROWS)}
    for address, value in named.items():
        assert value.point == published[address]["name"], address
        assert value.unit == published[address].get("units", "").replace("PF", ""), address
    for address, _words, point, _what in profile_list.SUNSPEC_FIXED + profile_list.SUNSPEC_LAST:
        if address in published and "," not in point:
            assert point == published[address]["name"], address
    silent = [
        at for first, last, _what in profile_list.SUNSPEC_UNMEASURED for at in range(first, last + 1, 2)
    ]
    assert sorted([*named, *silent, 40070, 40071, 40194]) == sorted(at for at in published if at >= 40070)


def test_every_register_that_a_profile_is_compared_with_exists():
    page = profile_list.sdm630() + profile_list.sunspec()
    names = {entry["name"] for entry in _listed()}
    named = [part for part in page.split("`")[1::2] if "_" in part]
    assert len(named) > 100 and set(named) <= names

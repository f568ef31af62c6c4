"""Display pages: always four lines of exactly 20 characters, whatever the box has to say."""

from firmware.publish.display import fit, page_count
from firmware.publish.pages import Pages
from firmware.signals import FAULT_NAMES, REASON_NAMES, STATE_NAMES, WARNING_NAMES
from host_tests.unit.fake_box import FakeBox


def page(box, n):
    """Return page `n` of a box, composed line by line."""
    pages = Pages(box)
    for _ in range(n % page_count(box)):
        pages.turn(True, 1)
        pages.turn(False, 1)
    if n % page_count(box) == 0:
        pages.turn(False, 500)
    shown = pages.lines
    steps = 0
    while pages.step():
        steps += 1
    assert 2 <= steps <= 5 and pages.lines is not shown
    return pages.lines


def _pages(box):
    pages = [page(box, n) for n in range(page_count(box))]
    for lines in pages:
        assert len(lines) == 4, lines
        for line in lines:
            assert len(line) == 20, (line, len(line))
            for character in line:
                assert 32 <= ord(character) < 127, line
    return pages


def _happened(box, event, **fields):
    box.log.entries.append((box.log.now_ms, event, fields))


def _everything(box):
    return "\n".join(["\n".join(lines) for lines in _pages(box)])


def test_overview_on_the_grid():
    box = FakeBox()
    assert page(box, 0) == [
        "GRID            1/10",
        "grid ok             ",
        "SOC never told      ",
        "L1 on  L2 on  L3 on ",
    ]


def test_overview_while_waiting_for_the_return():
    box = FakeBox()
    box.state, box.state_reason, box.failing_phase, box.countdown_s = 3, 4, 2, 310
    box.phases_supplied = 3
    assert page(box, 0) == [
        "BACKUP          1/10",
        "L2 undervoltage     ",
        "return in 310 s     ",
        "L1 on  L2 on  L3 off",
    ]


def test_overview_counts_faults_and_warnings():
    box = FakeBox()
    box.state, box.faults, box.warnings = 5, 0x11, 1
    assert page(box, 0)[:3] == ["FAULT           1/10", "                    ", "faults 2 warnings 1 "]


def test_measurement_pages():
    box = FakeBox()
    box.readings.i_ma[2] = 4
    pages = _pages(box)
    assert pages[1] == [
        "GRID  49.99 Hz  2/10",
        "L1 230.1 V   1.23 A ",
        "L2 231.0 V  63.00 A ",
        "L3 229.5 V   0.00 A ",
    ]
    assert pages[2] == [
        "GRID  -14216 W  3/10",
        "L1    284 W  pf 1.00",
        "L2 -14500 W  pf-1.00",
        "L3      0 W  pf 0.00",
    ]
    assert pages[3][0] == "PV    3534 W    4/10"
    assert pages[4] == [
        "ENERGY kWh      5/10",
        "import        70.000",
        "export        80.000",
        "PV       3000000.000",
    ]
    assert pages[5][:2] == ["V grid load bkp 6/10", "L1 230.1 228.0 230.0"]
    box.settings["pv_meter_enable"] = 0
    assert page(box, 3)[:2] == ["PV              4/10", "not served          "]


def test_backup_pages():
    box = FakeBox()
    box.battery.soc, box.battery.age = 29, 12
    box.state, box.phases_supplied = 3, 3
    for key, value in (("load_management_enable", 1), ("priority_l1", 1), ("soc_min_l1", 100)):
        box.settings[key] = value
    assert page(box, 6) == [
        "BACKUP          7/10",
        "SOC 29 %  age 12 s  ",
        "load management on  ",
        "shed: L3            ",
    ]
    assert page(box, 7)[:3] == ["LOAD MANAGEMENT 8/10", "L1 prio 1 from 100 %", "L2 not entered      "]
    box.state = 1
    assert page(box, 6)[3] == "shed: none          "


def test_faults_and_warnings_by_name():
    box = FakeBox()
    assert _pages(box)[8][1:3] == ["no faults           ", "no warnings         "]
    box.faults = (1 << len(FAULT_NAMES)) - 1
    box.warnings = (1 << len(WARNING_NAMES)) - 1
    pages = _pages(box)
    assert len(pages) == 8 + 8 + 1
    lines = [line.strip() for lines in pages[8:16] for line in lines[1:]]
    for text in ("F K_GRID not open", "F Q_L3 not closed", "F bus live", "W soc stale", "W dip changed"):
        assert text in lines, text
    assert len([line for line in lines if line]) == len(FAULT_NAMES) + len(WARNING_NAMES) - 1


def test_last_events_newest_first():
    box = FakeBox()
    assert page(box, 9)[:2] == ["LAST EVENTS    10/10", "none                "]
    _happened(box, "coil", name="K_GRID", on=False)
    box.log.now_ms = 10000
    _happened(box, "state", state="to_backup", reason="interruption", phase=1)
    box.log.now_ms = 3600000
    _happened(box, "fault", name="k_grid_not_closed", on=True)
    assert page(box, 9)[1:] == [" 0s K_GRID no close ", "59m to backup L1    ", "60m K_GRID off      "]
    for name, fields, text in (
        ("state", {"state": "grid", "reason": "none", "phase": 0}, " 0s grid"),
        ("state", {"state": "backup", "reason": "undervoltage", "phase": 2}, " 0s backup L2 low-V"),
        ("grid", {"good": True, "reason": "none", "phase": 0}, " 0s grid ok"),
        ("grid", {"good": False, "reason": "phase_loss", "phase": 3}, " 0s grid L3 lost"),
        ("shed", {"phase": 3, "supplied": False, "soc": 29}, " 0s L3 off SOC 29"),
        ("settings", {"accepted": False, "reason": "x must be below y"}, " 0s settings refused"),
        ("settings", {"accepted": True}, " 0s settings saved"),
        ("fault", {"name": "reset", "on": False}, " 0s faults reset"),
        ("start", {"version": "0.1.0", "board": "pico", "dip": 8}, " 0s start"),
        ("plant", {}, " 0s plant"),
    ):
        _happened(box, name, **fields)
        assert page(box, 9)[1] == "%-20s" % fit(text, 20), page(box, 9)


def test_a_synthetic_board_says_so_on_every_page():
    box = FakeBox()
    box.faults = 0xFF
    assert "BENCH" not in _everything(box)
    box.warnings = 128
    box.synthetic = True
    for lines in _pages(box):
        assert lines[0].endswith("BENCH"), lines


def test_every_state_and_reason_fits():
    box = FakeBox()
    for state in range(len(STATE_NAMES)):
        for reason in range(len(REASON_NAMES)):
            for phase in range(4):
                box.state, box.state_reason, box.failing_phase = state, reason, phase
                _happened(box, "state", state=STATE_NAMES[state], reason=REASON_NAMES[reason], phase=phase)
                _pages(box)


def test_extreme_values_fit():
    box = FakeBox()
    now = box.readings
    for extreme in (0, 65535, 999999):
        now.v_cv = now.u_cv = now.b_cv = now.i_ma = [extreme] * 3
        now.grid_p_cw = now.pv_p_cw = [99999900 - extreme, -9999900, extreme, -extreme]
        now.grid_pf_mil = now.pv_pf_mil = [-1000, 1000, 0, 4]
        now.frequency_mhz = extreme
        _pages(box)
    box.battery.soc, box.battery.age, box.countdown_s = 100, 65535, 999
    box.energy.grid_import = [0, 0, 0, 99999999999]
    box.faults, box.warnings = 0x7FFF, 0xFF
    box.log.now_ms = 400 * 86400000
    _happened(box, "remark", text="x" * 60, name="a_very_long_name_without_any_end_to_it")
    box.log.now_ms *= 3
    _pages(box)


def test_page_numbers_go_round():
    box = FakeBox()
    assert page(box, page_count(box)) == page(box, 0)


def test_fit():
    assert fit("L2 undervoltage", 10) == "L2 low-V"
    assert fit("one two three", 9) == "one two"
    assert fit("onetwothree", 5) == "onetw"
    assert fit("as it is", 20) == "as it is"


def test_values_are_rounded_and_signed():
    box = FakeBox()
    box.readings.v_cv[0], box.readings.i_ma[0] = 9994, 9995
    assert page(box, 1)[1] == "L1  99.9 V  10.00 A "
    box.readings.v_cv[0] = 9995
    assert page(box, 1)[1][:8] == "L1 100.0"
    box.readings.grid_p_cw[:2] = [-50, -51]
    box.readings.grid_pf_mil[:3] = [-4, -6, 995]
    assert [line[3:9] for line in page(box, 2)[1:3]] == ["     0", "    -1"]
    assert [line[-5:] for line in page(box, 2)[1:]] == [" 0.00", "-0.01", " 1.00"]


def test_channels_that_cannot_be_right_are_named():
    box = FakeBox()
    box.warnings = 64
    box.channel_texts = ["converter A absent", "channel V2 saturated"]
    assert page(box, 8)[1:] == ["W converter A absent", "W V2 saturated      ", " " * 20]
    _happened(box, "converter", name="converter A", flaw="absent", on=True)
    _happened(box, "converter", name="channel I1", flaw="stuck", on=False)
    assert page(box, 9)[1:3] == [" 0s channel I1 good ", " 0s conv. A absent  "]


def test_pages_follow_each_other_and_the_key():
    box = FakeBox()
    pages = Pages(box)

    def title(key, ms):
        pages.turn(key, ms)
        while pages.step():
            pass
        return pages.lines[0]

    assert title(False, 499).strip() == "", "nothing has been composed yet"
    assert title(False, 1).endswith(" 1/10")
    assert title(False, 3400).endswith(" 1/10")
    assert title(False, 100).endswith(" 2/10"), "every four seconds"
    assert title(True, 1).endswith(" 3/10"), "at once"
    assert title(True, 1000).endswith(" 3/10"), "held down, it counts once"
    assert title(False, 32000).endswith(" 3/10"), "stays half a minute longer"
    assert title(False, 1100).endswith(" 4/10")


def test_a_page_is_replaced_as_a_whole():
    box = FakeBox()
    pages = Pages(box)
    pages.turn(False, 500)
    for _ in range(3):
        assert pages.step() and pages.lines[0].strip() == ""
    assert pages.step() and pages.lines[3] == "L1 on  L2 on  L3 on "
    assert not pages.step()

"""The board checks against the emulated Pico, with the plant, the line and the display at its pins."""

from host_tests.emulated.serial_port import SerialPort
from tools.board_checks import bench, chip
from tools.board_checks.__main__ import run
from tools.board_checks.person import Answers
from tools.emulator.box import Box
from tools.emulator.devices.mcp3208 import absent
from tools.flash.link import connect

PATIENCE_S = 60.0  # of the host's time; the emulated board is slower than a real one
DEAD = {"grid_v": [0, 0, 0], "backup_v": 0, "noise_lsb": 1, "switch": "auto"}
NAMES = ("K_GRID", "Q_L1", "Q_L2", "Q_L3")
POSITIONS = (
    {"switch": "off", "bypass": True, "dip": [1, 0, 1, 0]},
    {"switch": "auto", "bypass": False, "dip": [0, 1, 0, 1]},
)


class Operator(Answers):
    """Says yes, operates every switch while they are watched, and reads the display."""

    def __init__(self, box, port, given=()):
        super().__init__(dict(given), "y")
        self.read = []
        self._box = box
        self._port = port

    def ask(self, key, question):
        if key == "display":
            self.read = self._port.call(lambda: self._box.display.lines)
        return super().ask(key, question)

    def watch(self, key, look):
        for step in POSITIONS:
            self._port.call(lambda step=step: self._box.plant.set(**step))
            self._port.call(lambda step=step: self._box.plant.page_key(step["bypass"]))
            self.tell(look())


def _check(box, given=()):
    """Return the exit code, `{check: (verdict, reason)}` and the operator."""
    made = {}
    original = bench.Bench._note

    def note(self, name, verdict, reason):
        made[name] = (verdict, reason)
        original(self, name, verdict, reason)

    bench.Bench._note = note
    try:
        with SerialPort(box.machine) as port:
            operator = Operator(box, port, given)
            code = run(port.path, operator, PATIENCE_S)
    finally:
        bench.Bench._note = original
    return code, made, operator


def _make_dead(box):
    """Switch mains and backup side off, and wait until the box has noticed."""
    box.plant.set(**DEAD)
    box.machine.run_until(lambda: box.plant.coils == 0, 0.1)
    box.machine.run(0.1)  # until the contactor has dropped out
    return box.machine.now_ns


def _judge_sound_board(box, names, since_ns):
    heard = bytearray()
    box.line.on_bytes = heard.extend
    code, made, operator = _check(box)
    assert code == 0, made
    assert {name for name, (verdict, _) in made.items() if verdict != "passed"} == {"RS485 echo"}
    assert made["switches"][1] == "all seen both ways"
    assert [line.rstrip() for line in operator.read] == list(chip._LINES)
    assert heard == b"backup box U"
    edges = [edge for edge in box.plant.coil_edges if edge.t_ns > since_ns]
    assert [(edge.name, edge.on) for edge in edges] == [(name, on) for name in names for on in (True, False)]
    for on, off in zip(edges[::2], edges[1::2], strict=True):
        assert 0.9e9 < off.t_ns - on.t_ns < 1.2e9
    assert [reset.cause for reset in box.machine.resets] == ["watchdog", "software"]


def test_a_sound_board_passes(on_grid):
    _judge_sound_board(on_grid, NAMES, _make_dead(on_grid))


def test_a_sound_single_phase_board_passes():
    box = Box("pico_adc", files={"main.py": None})
    _judge_sound_board(box, NAMES[:2], _make_dead(box))


def test_what_is_wrong_is_named(on_grid):
    box = on_grid
    _make_dead(box)
    box.converters.ways[1] = absent
    box.display.present = False
    for fault in ("weld_grid", "aux_q1", "stuck_q2"):
        box.plant.set(fault=fault)
    code, made, _ = _check(box)
    failed = {name: reason for name, (verdict, reason) in made.items() if verdict == "FAILED"}
    assert code == 1
    currents = ("I1", "I2", "I3", "P1", "P2", "P3", "B3", "spare")
    mirrors = ("K_GRID", "Q_L1", "Q_L2")
    wanted = {f"converter {name}" for name in currents} | {f"mirror contact {name}" for name in mirrors}
    assert set(failed) == wanted | {"display"}
    assert "4095 all the time" in failed["converter I1"]
    assert "sticks" in failed["mirror contact K_GRID"]
    assert "wire broken" in failed["mirror contact Q_L1"]
    assert "did not pull in" in failed["mirror contact Q_L2"]
    assert "none answers at 0x27; on the bus: nothing" in failed["display"]


def test_no_coil_is_energised_while_mains_is_on(on_grid):
    box = on_grid
    start_ns = box.machine.now_ns
    code, made, _ = _check(box)
    assert code == 1
    assert made["coils"][0] == "FAILED" and "V1, V2, V3" in made["coils"][1]
    assert [(edge.name, edge.on) for edge in box.plant.coil_edges if edge.t_ns > start_ns] == [
        ("K_GRID", False)
    ]


def _click(link, *more):
    """Begin to energise K_GRID for a second."""
    for text in (bench.script_text("board"), bench.script_text("coils"), *more):
        link.run(text)
    link._transport.exec_raw_no_follow("click(0, 1000)")


def test_a_coil_goes_off_by_itself_when_the_host_is_gone(on_grid):
    box = on_grid
    since_ns = _make_dead(box)
    with SerialPort(box.machine) as port, connect(port.path, PATIENCE_S) as link:
        _click(link)
    box.machine.run_until(lambda: box.plant.edges_of("K_GRID", True, since_ns), 1.0)
    box.machine.run_until(lambda: box.plant.coils == 0, 1.2)
    box.machine.run(3.0)
    edges = [(edge.name, edge.on) for edge in box.plant.coil_edges if edge.t_ns > since_ns]
    assert edges == [("K_GRID", True), ("K_GRID", False)]
    assert box.machine.resets == []


def test_a_script_that_hangs_with_a_coil_on_is_ended_by_the_watchdog(on_grid):
    box = on_grid
    since_ns = _make_dead(box)
    with SerialPort(box.machine) as port, connect(port.path, PATIENCE_S) as link:
        _click(link, "def sleep_ms(duration):\n while True:\n  pass")
    box.machine.run_until(lambda: box.plant.edges_of("K_GRID", True, since_ns), 1.0)
    box.machine.run_until(lambda: box.plant.coils == 0, 2.2)
    assert [reset.cause for reset in box.machine.resets] == ["watchdog"]

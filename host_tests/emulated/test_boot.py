"""From power-on to the first turn of the loop."""

from host_tests.emulated import boards
from tools.emulator import filesystem, image
from tools.emulator.box import Box
from tools.emulator.machine import Machine

COILS = (18, 19, 21, 22)


def test_the_coils_are_low_within_50_ms_and_never_high_before():
    """Counted from power-on, which is before boot.py starts; until then the pins are inputs, pulled down."""
    box = Box()
    machine = box.machine
    levels = {pin: [] for pin in COILS}
    for pin in COILS:
        machine.on_edge(pin, lambda t_ns, level, pin=pin: levels[pin].append((t_ns, level)))
    machine.run(0.05)
    for pin in COILS:
        driven = [(t_ns, level) for t_ns, level in levels[pin] if level is not None]
        assert [level for _t_ns, level in driven] == [False]
        assert not machine.pad(pin).pullup_enabled


def test_the_box_starts_from_flash_and_says_so_on_the_console():
    box = Box()
    machine = box.machine
    started_ns = machine.wait_for(" start ", boards.BOOT_S)
    assert "Traceback" not in machine.console.text
    assert not machine.resets
    assert not box.display.violations
    assert box.plant.coils == 0, "nothing is closed before the grid has been judged"
    assert started_ns < boards.BOOT_S * 1e9


def test_files_survive_a_reset_of_either_kind(repl):
    machine = repl.machine
    machine.execute("with open('kept', 'w') as f: print(f.write('x' * 5000))")
    machine.reset()
    assert machine.execute("print(len(open('kept').read()))") == "5000\n"
    machine.console.write("\x02import machine; machine.reset()\r\n")
    machine.run_until(lambda: len(machine.resets) == 2, 1.0)
    assert [reset.cause for reset in machine.resets] == ["run pin", "software"]
    assert (
        machine.execute("import machine; print(len(open('kept').read()), machine.reset_cause())")
        == "5000 3\n"
    )
    assert filesystem.read(machine.disk())["kept"] == b"x" * 5000


def test_a_watchdog_that_is_not_fed_resets_the_chip_at_its_time(repl):
    machine = repl.machine
    machine.console.write("\x02from machine import WDT; w = WDT(timeout=300)\r\n")
    start_ns = machine.now_ns
    machine.run_until(lambda: machine.resets, 1.0, every_ns=1e5)
    assert machine.resets[0].cause == "watchdog"
    assert 0.3 <= (machine.resets[0].t_ns - start_ns) / 1e9 < 0.31


def test_what_main_prints_is_seen():
    """With its time."""
    main = b"import time\nfor n in range(3):\n  time.sleep_ms(100)\n  print('line', n)\n"
    machine = Machine(image.find(), filesystem.build({"main.py": main}))
    machine.run(0.4)
    lines = machine.console.lines[:3]
    assert [line.text for line in lines] == ["line 0", "line 1", "line 2"]
    assert abs(lines[2].t_ns - lines[1].t_ns - 100e6) < 1e6

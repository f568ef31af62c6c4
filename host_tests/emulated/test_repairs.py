"""Each repair of the emulator (tools/emulator/repairs.py), by what goes wrong without it."""

from tools.emulator import machine as emulator
from tools.emulator import snapshots
from tools.emulator.devices.rs485 import Decoder

TIMED = "import time, rp2\nt = time.ticks_us()\n%s\nprint(time.ticks_diff(time.ticks_us(), t))"


def test_the_host_leaves_a_waiting_board_alone(repl):
    """A host that answers every request with an empty packet wakes the board 100000 times a second."""
    machine = repl.machine
    before = machine.chip.core.cycles
    machine.run(0.1)
    assert machine.chip.core.cycles - before < 0.02 * 12.5e6


def test_time_in_the_board_is_emulated_time(repl):
    machine = repl.machine
    start = machine.now_ns
    said = machine.execute(
        "import time\nt = time.ticks_us()\ntime.sleep_ms(50)\nprint(time.ticks_diff(time.ticks_us(), t))"
    )
    assert 50000 <= int(said) <= 50300
    assert machine.now_ns - start > 50e6


def test_a_uart_sends_at_its_rate_and_receives(repl):
    """Stock: the transmit interrupt never ends. With clk_peri at 125 MHz a bit is 2.6 times too short."""
    machine = repl.machine
    sent = []
    uart = machine.chip.uart[1]
    uart.on_byte = lambda value: sent.append((machine.now_ns, value))
    machine.execute(
        "from machine import UART, Pin\nu = UART(1, 9600, tx=Pin(4), rx=Pin(5))\nu.write(b'0123456789')"
    )
    machine.run_until(lambda: len(sent) == 10, 0.1)
    assert bytes(value for _t, value in sent) == b"0123456789"
    assert abs((sent[9][0] - sent[0][0]) / 9 / 1e6 - 10 / 9.6) < 0.002
    for value in b"hello":
        uart.feed_byte(value)
        machine.run(0.00105)
    assert machine.execute("print(u.read())") == "b'hello'\n"


def test_a_dma_timer_paces_as_the_data_sheet_has_it(repl):
    """X / Y = 1 / 12500 of 125 MHz: 10000 transfers a second. Stock: 12500 times the clock."""
    said = repl.machine.execute(
        "import rp2, machine, time\n"
        "machine.mem32[0x50000420] = 1 << 16 | 12500\n"
        "d = rp2.DMA()\n"
        "b = bytearray(300)\n"
        "t = time.ticks_us()\n"
        "c = d.pack_ctrl(size=0, treq_sel=0x3B)\n"
        "d.config(read=b, write=bytearray(300), count=300, ctrl=c, trigger=True)\n"
        "while d.active(): pass\n"
        "print(time.ticks_diff(time.ticks_us(), t))"
    )
    assert 29900 <= int(said) <= 30300


def test_the_adc_goes_round(repl):
    """Three inputs in turn into the FIFO. Stock: always the same."""
    machine = repl.machine
    machine.chip.adc.channel_values = [100, 200, 300, 400, 500]
    said = machine.execute(
        "from machine import ADC, mem32\n"
        "for n in range(3): ADC(n)\n"
        "mem32[0x4004C008] = 1\n"
        "mem32[0x4004C000] = 1 | 7 << 16\n"
        "r = []\n"
        "for n in range(6):\n"
        "  mem32[0x4004C000] |= 4\n"
        "  while not mem32[0x4004C008] >> 16 & 15: pass\n"
        "  r.append(mem32[0x4004C00C])\n"
        "print(r)"
    )
    assert said == "[100, 200, 300, 100, 200, 300]\n"


def test_an_output_is_read_back_and_interrupts(repl):
    said = repl.machine.execute(
        "from machine import Pin\n"
        "n = 0\n"
        "def up(p):\n"
        "  global n\n"
        "  n += 1\n"
        "p = Pin(20, Pin.OUT, value=0)\n"
        "a = p.value()\n"
        "p.irq(up, Pin.IRQ_RISING, hard=True)\n"
        "p.value(1)\n"
        "b = p.value()\n"
        "p.value(0); p.value(1)\n"
        "print(a, b, n)"
    )
    assert said == "0 1 2\n"


def test_pulls_decide_where_nobody_drives(repl):
    machine = repl.machine
    read = (
        "from machine import Pin\n"
        "print(Pin(20, Pin.IN, Pin.PULL_UP).value(), Pin(21, Pin.IN, Pin.PULL_DOWN).value())"
    )
    assert machine.execute(read) == "1 0\n"
    machine.drive(20, False)
    machine.drive(21, True)
    assert machine.execute(read) == "0 1\n"
    machine.drive(20, None)
    assert machine.execute(read) == "1 1\n"
    assert machine.execute("print(Pin(20, Pin.IN, Pin.PULL_DOWN).value())") == "0\n"


PIO_SQUARE = (
    "import rp2, time\n"
    "@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)\n"
    "def square():\n"
    "  set(pins, 1)[3]\n"
    "  set(pins, 0)[3]\n"
    "s = rp2.StateMachine(0, square, freq=1600000, set_base=machine.Pin(10))\n"
)


def _rises(machine, action: str) -> list:
    """Return when GP10 rose while `action` ran, in ns."""
    rises = []
    machine.on_edge(10, lambda t_ns, level: rises.append(t_ns) if level else None)
    machine.execute("import machine\n" + PIO_SQUARE + "s.active(1)\n" + action + "\ns.active(0)")
    return rises


def test_pio_keeps_its_rate_while_the_processor_sleeps(repl):
    """200 kHz. Stock: one step for each time that the processor is woken."""
    rises = _rises(repl.machine, "time.sleep_ms(20)")
    span = rises[-1] - rises[0]
    assert span > 20e6
    assert abs((len(rises) - 1) / span * 1e9 - 200e3) < 1


def test_pio_keeps_its_phase_while_the_processor_works(repl):
    """A step that is late by a long instruction is made up for. Stock: it counts anew from there."""
    rises = _rises(repl.machine, "import gc\nfor n in range(400): str(n) + 'x'\ngc.collect()")
    period = 5000.0
    late = [t_ns - rises[0] - number * period for number, t_ns in enumerate(rises)]
    assert len(rises) > 3000
    spread_ns = max(late) - min(late)
    if not emulator.SLOW_BECAUSE:  # only the loop of our own can mend it
        assert spread_ns < 250  # the longest instruction, at both ends
    return {"phase within": f"{spread_ns:.0f} ns"}


def test_two_wires_of_a_bus_take_their_time(repl):
    """40 bytes at 100 kHz are 3.6 ms. Stock: as fast as the processor hands them over."""
    machine = repl.machine
    bus = machine.chip.i2c[1]
    taken = []
    bus.on_connect = lambda address, mode: bus.complete_connect(address == 0x27)
    bus.on_write_byte = lambda value: (taken.append(value), bus.complete_write(True))
    said = machine.execute(
        "import time\nfrom machine import I2C, Pin\n"
        "i = I2C(1, scl=Pin(15), sda=Pin(14), freq=100000)\n"
        "t = time.ticks_us()\ni.writeto(0x27, bytes(range(40)))\nprint(time.ticks_diff(time.ticks_us(), t))\n"
        "try:\n  i.writeto(0x3F, b'x')\nexcept OSError as e:\n  print(e.errno)"
    )
    took, error = said.splitlines()
    assert taken == list(range(40))
    assert 3500 <= int(took) <= 4000
    assert error == "5"


def test_an_erase_of_the_flash_takes_its_time(repl):
    """And nothing else runs meanwhile. Stock: done at once."""
    machine = repl.machine
    code = TIMED % "rp2.Flash().ioctl(6, 300)"
    assert 45000 <= int(machine.execute(code)) <= 46500
    machine.chip.ssi.erase_ms = 400.0
    assert 400000 <= int(machine.execute(code)) <= 402000


def test_a_reset_lets_go_of_the_pins_and_says_so(repl):
    machine = repl.machine
    levels = []
    machine.on_edge(18, lambda t_ns, level: levels.append(level))
    machine.execute("from machine import Pin\np = Pin(18, Pin.OUT, value=1)")
    machine.reset()
    assert levels[-2:] == [True, None]


def test_both_loops_do_the_same(repl):
    """The compiled loop and rp2040py's own: the same cycles, the same time, the same output."""
    machine = repl.machine

    def work(loop) -> tuple:
        machine._loop = machine.chip.simulator = loop
        machine.console.write("import gc;a=[str(n) for n in range(50)];gc.collect();print(a)\x04")
        machine.run(0.03)
        return machine.chip.core.cycles, machine.now_ns, machine.console.text

    mine = snapshots.run(work, machine._loop)
    assert "'49']" in mine[2]
    assert snapshots.run(work, emulator._StockLoop(machine.chip)) == mine


def test_the_decoder_reads_a_uart_of_the_chip(repl):
    """TX of a PIO or a UART as the line's listener sees it: here a pin that PIO drives bit by bit."""
    machine = repl.machine
    heard = []
    decoder = Decoder(9600, lambda value, start_ns, end_ns: heard.append(value))
    machine.on_edge(0, lambda t_ns, level: decoder.edge(t_ns, level is not False))
    machine.execute(
        "import rp2\nfrom machine import Pin\n"
        "H = rp2.PIO.OUT_HIGH\n"
        "@rp2.asm_pio(sideset_init=H, out_init=H, out_shiftdir=rp2.PIO.SHIFT_RIGHT)\n"
        "def tx():\n"
        "  pull()\n"
        "  set(x, 7).side(0)[7]\n"
        "  label('b')\n"
        "  out(pins, 1)[6]\n"
        "  jmp(x_dec, 'b')\n"
        "  nop().side(1)[6]\n"
        "s = rp2.StateMachine(4, tx, freq=8 * 9600, sideset_base=Pin(0), out_base=Pin(0))\n"
        "s.active(1)\n"
        "for c in b'Modbus': s.put(c)\n"
    )
    machine.run(0.01)
    decoder.advance(machine.now_ns)
    assert bytes(heard) == b"Modbus"
    assert decoder.worst_part < 0.01

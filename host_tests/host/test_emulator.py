"""The emulator tool's own parts, without an image: nothing runs on the chip, its registers are set here."""

import os
import struct

import pytest

os.environ.setdefault("BACKUPBOX_EMULATOR_NATIVE", "0")  # nothing here is worth compiling for

from firmware.hardware.rtu_timing import FORMAT_8E1, FORMAT_8O1
from host_tests.unit import serial_bits
from tools.emulator import filesystem, image, snapshots
from tools.emulator.devices import mcp3208
from tools.emulator.devices.display import Display
from tools.emulator.devices.mcp3208 import Mcp3208Pair
from tools.emulator.devices.plant import PlantAtPins
from tools.emulator.devices.rs485 import Decoder, Rs485Line, edges, t35_ns
from tools.emulator.machine import Machine

BANNER = b"MicroPython v1.28.0 on 2026-01-01; Raspberry Pi Pico with RP2040"

# -- image and file system ---------------------------------------------------------------------------------


def uf2(flash: bytes) -> bytes:
    blocks = [flash[at : at + 256].ljust(256, b"\xff") for at in range(0, len(flash), 256)]
    return b"".join(
        struct.pack(
            "<8I", 0x0A324655, 0x9E5D5157, 0x2000, 0x10000000 + 256 * n, 256, n, len(blocks), 0xE48BFF56
        )
        + content.ljust(476, b"\0")
        + struct.pack("<I", 0x0AB16F30)
        for n, content in enumerate(blocks)
    )


@pytest.fixture
def some_image(tmp_path):
    path = tmp_path / "pico.uf2"
    path.write_bytes(uf2(bytes(600) + BANNER))
    return path


def test_an_image_is_what_its_blocks_put_into_the_flash(some_image):
    flash = image.load(some_image)
    assert flash[600 : 600 + len(BANNER)] == BANNER
    assert image.version(flash) == (1, 28, 0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"MZ" * 512, "not a UF2 file for the Pico"),
        (uf2(bytes(2000) + BANNER)[:-512], "not a whole UF2 file"),
        (uf2(bytes(2000) + BANNER)[:512] + uf2(bytes(2000) + BANNER)[1024:], "its block 1 is missing"),
        (uf2(b"CircuitPython 9"), "does not hold MicroPython"),
        (uf2(b"MicroPython v1.27.0 on"), "holds MicroPython 1.27.0; 1.28 or newer is needed"),
        (uf2(b"MicroPython v1.28.0-preview.5 on"), "holds MicroPython 1.27; 1.28 or newer is needed"),
        (b"", "not a whole UF2 file"),
    ],
)
def test_an_image_that_cannot_serve_is_refused_with_the_reason(tmp_path, content, reason):
    path = tmp_path / "pico.uf2"
    path.write_bytes(content)
    with pytest.raises(image.ImageError, match=reason):
        image.load(path)


def test_no_image_is_said_in_one_line(monkeypatch, tmp_path):
    monkeypatch.delenv("BACKUPBOX_UF2", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(image.ImageError, match="set BACKUPBOX_UF2") as refusal:
        image.find()
    assert "\n" not in str(refusal.value)
    monkeypatch.setenv("BACKUPBOX_UF2", str(tmp_path / "gone.uf2"))
    with pytest.raises(image.ImageError, match=r"gone\.uf2, which is not a file"):
        image.find()


def test_an_image_that_was_downloaded_before_is_found(monkeypatch, tmp_path):
    monkeypatch.delenv("BACKUPBOX_UF2", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    cache = tmp_path / ".cache" / "rp2040py"
    cache.mkdir(parents=True)
    (cache / "RPI_PICO-20240105-v1.22.1.uf2").write_bytes(b"too old")
    with pytest.raises(image.ImageError):
        image.find()
    name = next(url.rpartition("/")[2] for tag, url in image._known().items() if tag.startswith("1.28"))
    (cache / name).write_bytes(b"good")
    assert image.find() == cache / name


def test_files_come_back_from_the_file_system():
    files = {"boot.py": b"", "/firmware/a/b.mpy": bytes(range(256)) * 40, "main.py": b"print(1)\n"}
    disk = filesystem.build(files)
    assert len(disk) == 1408 * 1024
    assert filesystem.read(disk) == {path.lstrip("/"): content for path, content in files.items()}


def test_a_file_system_that_is_too_full_or_none_is_refused():
    with pytest.raises(filesystem.FilesystemError, match="big does not go into the file system"):
        filesystem.build({"big": bytes(1500 * 1024)})
    with pytest.raises(filesystem.FilesystemError, match="no file system"):
        filesystem.read(b"\xff" * 1408 * 1024)
    with pytest.raises(filesystem.FilesystemError, match="1441792 bytes, not 5"):
        filesystem.read(b"short")


# -- pins --------------------------------------------------------------------------------------------------

SIO = 0xD0000000
OUT_SET, OUT_CLR, OE_SET = SIO + 0x14, SIO + 0x18, SIO + 0x24
GPIO_IN = SIO + 0x04


class Bench:
    """A chip whose pins are switched from here."""

    def __init__(self, path, *devices):
        self.machine = Machine(path, None, devices)
        self.chip = self.machine.chip

    def pass_ns(self, nanos):
        self.chip.clock.tick(nanos)

    def output(self, pin, level):
        self.chip.write_uint32(0x40014004 + 8 * pin, 5)  # function SIO
        self.chip.write_uint32(0x4001C004 + 4 * pin, 0x40)  # input enabled, no pulls
        self.put(pin, level)
        self.chip.write_uint32(OE_SET, 1 << pin)

    def put(self, pin, level):
        self.chip.write_uint32(OUT_SET if level else OUT_CLR, 1 << pin)

    def listen(self, *pins):
        for pin in pins:
            self.chip.write_uint32(0x4001C004 + 4 * pin, 0x40)

    def get(self, pin):
        return self.chip.read_uint32(GPIO_IN) >> pin & 1


class Spi(Bench):
    """Speaks to the converters bit by bit: clock GP4, select GP5, command GP3, data GP6 and GP7."""

    def __init__(self, path, source, half_ns=625):
        self.pair = Mcp3208Pair(source)
        super().__init__(path, self.pair)
        self.half_ns = half_ns
        self.output(5, 1)
        self.output(4, 0)
        self.output(3, 0)
        self.listen(6, 7)
        self.pass_ns(10000)

    def clock(self, bit):
        self.put(3, bit)
        self.pass_ns(self.half_ns)
        self.put(4, 1)
        both = self.get(6), self.get(7)  # as the clock rises
        self.pass_ns(self.half_ns)
        self.put(4, 0)
        return both

    def convert(self, channel, bits=12, command=(1, 1), select_ns=1000):
        self.put(5, 0)
        for bit in (*command, channel >> 2 & 1, channel >> 1 & 1, channel & 1, 0):
            self.clock(bit)
        words = [self.clock(0) for _ in range(1 + bits)]
        self.put(5, 1)
        self.pass_ns(select_ns)
        a, b = ("".join(str(word[chip]) for word in words) for chip in (0, 1))
        assert a[0] == b[0] == "0", "a zero comes first"
        return int(a[1:], 2), int(b[1:], 2)


def ramp(channel, t_ns):
    return 0x800 | channel, 0x123 + channel


def test_the_converters_answer_to_the_data_sheets_protocol(some_image):
    spi = Spi(some_image, ramp)
    assert [spi.convert(channel) for channel in range(8)] == [ramp(channel, 0) for channel in range(8)]
    assert not spi.pair.violations
    assert (spi.pair.conversions, spi.pair.aborted) == (8, 0)


def test_after_the_lowest_bit_they_come_again_backwards(some_image):
    spi = Spi(some_image, lambda channel, t_ns: (0xA13, 0))
    first = spi.convert(2, bits=23)[0]
    assert first >> 11 == 0xA13
    assert f"{first & 0x7FF:011b}" == f"{0xA13:012b}"[::-1][1:]


def test_the_value_is_held_after_the_sixth_clock(some_image):
    held = []
    spi = Spi(some_image, lambda channel, t_ns: (held.append(t_ns), 0, 0)[1:])
    start = spi.machine.now_ns
    spi.convert(1)
    assert held == [start + 12 * 625]


def test_leading_zeros_are_waited_out(some_image):
    spi = Spi(some_image, ramp)
    assert spi.convert(5, command=(0, 0, 0, 1, 1)) == ramp(5, 0)


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (lambda spi: setattr(spi, "half_ns", 250), "clock faster than 1.2 MHz"),
        (lambda spi: spi.convert(0, select_ns=200), "chip select high for less than 500 ns"),
        (lambda spi: spi.convert(0, command=(1, 0)), "differential conversion"),
        (lambda spi: spi.put(4, 1), "clock high as the chip is selected (mode 0,0 has it low)"),
    ],
)
def test_what_the_data_sheet_forbids_is_recorded(some_image, action, said):
    spi = Spi(some_image, ramp)
    action(spi)
    spi.convert(0)
    assert said in spi.pair.violations


def test_a_conversion_that_is_broken_off_is_counted(some_image):
    spi = Spi(some_image, ramp)
    spi.convert(0, bits=5)
    assert spi.pair.aborted == 1


def test_converters_fail_in_their_ways(some_image):
    spi = Spi(some_image, ramp)
    spi.pair.ways[0] = mcp3208.stuck(4095)
    spi.pair.ways[1] = mcp3208.noisy(2.0)
    codes = [spi.convert(3) for _ in range(40)]
    assert {a for a, _b in codes} == {4095}
    noise = [b - ramp(3, 0)[1] for _a, b in codes]
    assert max(noise) > 1 > -1 > min(noise)
    assert abs(sum(noise)) < 40
    spi.pair.ways[1] = mcp3208.absent
    spi.put(5, 0)
    assert {spi.clock(bit)[1] for bit in (1, 1, 0, 1, 1, *[0] * 14)} == {1}


# -- plant -------------------------------------------------------------------------------------------------


def test_coils_move_contactors_and_contacts_move_pins(some_image):
    plant = PlantAtPins()
    bench = Bench(some_image, plant)
    bench.output(18, 0)
    bench.listen(8, 9, 10, 11, 12, 13, 20, 27)
    assert [bench.get(pin) for pin in (8, 9, 10, 11)] == [0, 0, 0, 0]
    assert (bench.get(12), bench.get(13), bench.get(27), bench.get(20)) == (0, 0, 1, 1)
    bench.pass_ns(1e6)
    bench.put(18, 1)
    bench.pass_ns(15e6)
    assert bench.get(8) == 0
    bench.pass_ns(1.1e6)
    assert bench.get(8) == 1, "the mirror contact parts after 16 ms"
    bench.pass_ns(2e6)
    assert plant.plant.contactors[0].main
    bench.put(18, 0)
    bench.pass_ns(30e6)
    assert bench.get(8) == 0
    assert [(edge.name, edge.on, edge.t_ns) for edge in plant.coil_edges] == [
        ("K_GRID", True, 1e6),
        ("K_GRID", False, 1e6 + 18.1e6),
    ]
    assert plant.edges_of("K_GRID", False) == [19.1e6]


def test_switches_and_faults_come_as_scheduled(some_image):
    plant = PlantAtPins()
    bench = Bench(some_image, plant)
    bench.listen(9, 12, 13, 20, 27)
    plant.schedule(0.010, switch="off", dip=[0, 0, 0, 1])
    plant.after(0.020, fault="aux_q1", bypass=True)
    plant.page_key(True)
    bench.pass_ns(9.9e6)
    assert [bench.get(pin) for pin in (12, 27, 9, 13, 20)] == [0, 1, 0, 0, 0]
    bench.pass_ns(0.2e6)
    assert [bench.get(pin) for pin in (12, 27, 9, 13)] == [1, 0, 0, 0]
    bench.pass_ns(10e6)
    assert [bench.get(pin) for pin in (12, 27, 9, 13)] == [1, 0, 1, 1]


def test_each_channel_is_converted_at_its_own_instant(some_image):
    """The peak of 230 V is 1665 counts; V2 lags by 120 degrees, and by the time until its slot."""
    plant = PlantAtPins()
    bench = Bench(some_image, plant)
    bench.pass_ns(5e6)
    v1, i1 = plant.source(0, 5e6)
    assert abs(v1 - 2048 - 1665) <= 1
    assert i1 == 2048, "nothing flows while K_GRID is open"
    assert abs(plant.source(1, 5e6)[0] - 2048 + 1665 / 2) <= 1
    assert plant.source(0, 10e6)[0] == 2048
    assert plant.source(6, 10e6) == (2048, 2048), "the backup output is not on yet"
    plant.set(grid_v=[0, 230, 230])
    assert plant.source(0, 15e6)[0] == 2048
    plant.disturb = lambda t_ns, chip, slot, code: 7 if slot == 1 else code
    assert plant.source(1, 15e6) == (7, 7)


# -- RS485 -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line_format", serial_bits.FORMATS)
@pytest.mark.parametrize("baud", [1200, 9600, 115200])
def test_what_is_sent_bit_by_bit_is_decoded(baud, line_format):
    heard = []
    decoder = Decoder(
        baud, lambda value, start_ns, end_ns: heard.append((value, start_ns, end_ns)), line_format
    )
    message = bytes(range(256))
    for t_ns, level in edges(message, baud, line_format=line_format):
        decoder.edge(t_ns, level)
    decoder.advance(1e12)
    assert bytes(value for value, _start, _end in heard) == message
    bits = len(serial_bits.bits_of(0, line_format))
    assert heard[255][2] == pytest.approx(256 * bits * 1e9 / baud, rel=1e-9)
    assert decoder.worst_part < 1e-6


@pytest.mark.parametrize("line_format", serial_bits.FORMATS)
def test_the_line_is_what_the_fakes_know_and_damage_is_heard(line_format):
    """Two descriptions of the formats, made apart: the master's here and the unit tests'."""
    message = b"\x00\x01\x7f\xfe\xff"
    levels, _end_us = serial_bits.levels_of(message, 0, 9600, line_format=line_format)
    theirs = [(at, level) for k, (at, level) in enumerate(levels) if level != ([(0, 1)] + levels)[k][1]]
    ours = list(edges(message, 9600, line_format=line_format))
    assert [level for _, level in ours] == [bool(level) for _, level in theirs]
    assert [t_ns / 1000 for t_ns, _ in ours] == pytest.approx([at for at, _ in theirs])
    for damaged in range(len(message)):
        heard = []
        decoder = Decoder(9600, lambda value, start_ns, end_ns: heard.append(value), line_format)  # noqa: B023
        for t_ns, level in edges(message, 9600, 3e6, line_format, damaged):
            decoder.edge(t_ns, level)
        decoder.advance(1e12)
        assert heard[damaged] == -1 and heard[:damaged] == list(message[:damaged])
        if line_format in (FORMAT_8E1, FORMAT_8O1):
            assert heard.count(-1) == 1


def test_a_wrong_rate_is_seen():
    heard = []
    decoder = Decoder(9600, lambda value, start_ns, end_ns: heard.append(value))
    for t_ns, level in edges(b"\x55\x55", 9600 * 1.03):
        decoder.edge(t_ns, level)
    decoder.advance(1e12)
    assert bytes(heard) == b"\x55\x55"
    assert 0.2 < decoder.worst_part < 0.3
    broken = []
    decoder = Decoder(9600, lambda value, start_ns, end_ns: broken.append(value))
    decoder.edge(0.0, False)
    decoder.advance(1e9)
    assert broken == [-1], "a break has no stop bit"


def test_an_exchange_is_measured_at_the_pins(some_image):
    line = Rs485Line()
    bench = Bench(some_image, line)
    bench.output(0, 1)
    bench.output(2, 0)
    received = []
    decoder = Decoder(9600, lambda value, start_ns, end_ns: received.append(value))
    pad = bench.machine.pad(1)
    exchange = line.send(b"\x01\x04abc")
    while bench.machine.now_ns < exchange.request_end_ns + t35_ns(9600) + 500e3:
        bench.pass_ns(1000)
        decoder.edge(bench.machine.now_ns, bool(pad.external))
    assert bytes(received) == b"\x01\x04abc"
    bench.put(2, 1)
    bench.pass_ns(50e3)
    start = bench.machine.now_ns
    for t_ns, level in edges(b"reply", 9600):
        bench.pass_ns(start + t_ns - bench.machine.now_ns)
        bench.put(0, level)
    bench.pass_ns(start + 50e9 / 9600 - bench.machine.now_ns)
    bench.pass_ns(20e3)
    bench.put(2, 0)
    assert bytes(exchange.reply) == b"reply"
    assert exchange.latency_us == pytest.approx(550, abs=2)
    assert exchange.release_us == pytest.approx(20, abs=0.1)
    assert not line.violations
    bench.put(0, 0)
    assert [what for _t, what in line.violations] == ["sends while its driver is off"]


# -- display -----------------------------------------------------------------------------------------------


def show(glass, bench, code, rs=0, wait_ns=50e3):
    glass._written(8 | rs)  # RS settles
    for half in (code & 0xF0, code << 4 & 0xF0):
        for enable in (4, 0):
            glass._written(half | 8 | rs | enable)
        bench.pass_ns(wait_ns)


def test_the_display_decodes_and_knows_its_times(some_image):
    glass = Display()
    bench = Bench(some_image, glass)
    glass._addressed = True
    glass._bus.complete_write = lambda good: None
    bench.pass_ns(50e6)
    for _restart in range(2):  # the start-up sequence is valid from any state
        for nibble in (0x30, 0x30, 0x30, 0x20):
            for enable in (0, 4, 0):
                glass._written(nibble | 8 | enable)
            bench.pass_ns(5e6)
        for code in (0x28, 0x08, 0x01, 0x06, 0x0C):
            show(glass, bench, code, wait_ns=2e6)
        for place, text in ((0x80, "first line"), (0xD4, "fourth")):
            show(glass, bench, place)
            for sign in text:
                show(glass, bench, ord(sign), 1)
        assert glass.lines == ["first line".ljust(20), " " * 20, " " * 20, "fourth".ljust(20)]
    assert not glass.violations
    show(glass, bench, ord("x"), 1, wait_ns=1e3)
    glass._written(9)
    for enable in (4, 0):  # the next one, 1 us later
        glass._written(0x70 | 9 | enable)
    assert [what for _t, what in glass.violations] == ["written while the controller is busy"]


# -- cases in children -------------------------------------------------------------------------------------


def test_a_case_changes_nothing_here():
    things = [1, 2]

    def change(extra):
        things.append(extra)
        return things

    assert snapshots.run_each(change, [(n,) for n in range(5)], at_once=2) == [[1, 2, n] for n in range(5)]
    assert things == [1, 2]


def test_a_case_that_fails_says_how():
    def fail():
        raise ValueError("no such coil")

    with pytest.raises(snapshots.CaseError, match=r"in fail(.|\n)*ValueError: no such coil"):
        snapshots.run(fail)
    with pytest.raises(snapshots.CaseError, match="ended without a word \\(exit code 3\\)"):
        snapshots.run(os._exit, 3)

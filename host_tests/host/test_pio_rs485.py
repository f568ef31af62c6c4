"""The RS485 programs executed by rp2040py, another model of the PIO than that of the fakes: bit by bit."""

from array import array

import machine
import pytest

from firmware.hardware.pio_rs485 import receive, transmit
from firmware.hardware.rs485_rp2 import Rs485Port, _spell
from firmware.hardware.rtu_timing import FORMAT_8E1, FORMAT_8N1, FORMAT_8N2, FORMAT_8O1, silence_us
from host_tests.host.pio_bench import PioBench
from host_tests.unit.serial_bits import bits_of, characters_of, levels_of

TX, RX, DE = 0, 1, 2
TRANSMITTER, RECEIVER = 0, 1
SENDING = 4  # the flag
END = 0xFFFF
CONTENT = bytes(range(0, 256, 5)) + b"\x00\xff\x55\xaa"

rates = pytest.mark.parametrize("baud", (1200, 9600, 19200, 57600, 115200))
lines = pytest.mark.parametrize(
    ("baud", "line_format"),
    [
        (1200, FORMAT_8N1),
        (1200, FORMAT_8E1),
        (2400, FORMAT_8O1),
        (4800, FORMAT_8N2),
        (9600, FORMAT_8N1),
        (9600, FORMAT_8N2),
        (19200, FORMAT_8E1),
        (38400, FORMAT_8N2),
        (57600, FORMAT_8E1),
        (115200, FORMAT_8N1),
        (115200, FORMAT_8O1),
        (115200, FORMAT_8N2),
    ],
)


def _bench(baud, line_format=FORMAT_8N1):
    """Return both machines running, as the driver sets them up on the fakes, with the line at rest."""
    machine.power_on()
    port = Rs485Port(TX, RX, DE, machine.now_us, baud, line_format)
    machine.advance_us(5000)
    fakes = machine.chip().silicon.pios[1].machines
    assert [fake.divider for fake in fakes[:2]] == [125000000 * 32 // baud, 125000000 * 8 // baud]
    bench = PioBench(1)
    bench.port = port
    bench.line_format = line_format
    bench.load(TRANSMITTER, transmit, 8 * baud, out_base=TX, set_base=TX, sideset_base=DE)
    bench.load(RECEIVER, receive, 32 * baud, in_base=RX, jmp_pin=RX)
    bench.drive(RX, [(0, 1)])
    bench.to_send[TRANSMITTER] = [fakes[TRANSMITTER].isr]
    bench.to_send[RECEIVER] = [fakes[RECEIVER].osr << 4 | fakes[RECEIVER].y]
    bench.start(TRANSMITTER, RECEIVER)
    bench.run_until(1e6 / baud)
    return bench


def _send(bench, content):
    """Send as DMA does it: bytes, or words of two, are repeated in the whole word."""
    bench.set_flag(SENDING)
    if bench.line_format == FORMAT_8N1:
        bench.to_send[TRANSMITTER] = [0x01010101 * byte for byte in content]
        return
    words = array("H", bytes(2 * len(content)))
    _spell(content, len(content), words, bench.port._parity)
    bench.to_send[TRANSMITTER] = [0x00010001 * word for word in words]


def _hear(bench, content, at_us, baud, line_format=FORMAT_8N1, bad=()):
    levels, end_us = levels_of(content, at_us, baud, bad, line_format)
    bench.drive(RX, levels)
    return end_us


def _frames(bench, line_format=FORMAT_8N1):
    """Return what was received as frames of (byte, stop bit), the last one perhaps without its end.

    With parity the bit between them must be right.
    """
    frames = [[]]
    parity = line_format in (FORMAT_8E1, FORMAT_8O1)
    for _, word in bench.received[RECEIVER]:
        half = word >> 16
        if half == END:
            frames.append([])
        else:
            assert half & (0x3F if parity else 0x7F) == 0
            byte = half >> (6 if parity else 7) & 0xFF
            assert not parity or half >> 14 & 1 == bits_of(byte, line_format)[9]
            frames[-1].append((byte, half >> 15))
    return [frame for frame in frames if frame]


def _good(content):
    return [(byte, 1) for byte in content]


@lines
def test_a_frame_on_the_wire(baud, line_format):
    bit_us = 1e6 / baud
    bench = _bench(baud, line_format)
    ordered_us = bench.now_us
    _send(bench, CONTENT)
    bench.run_until(ordered_us + (len(CONTENT) * 11 + 5) * bit_us)
    sent = characters_of(bench.edges[TX], baud, line_format)
    assert bytes(byte for _, _, byte in sent) == CONTENT
    for (_, end_us, _), (next_us, _, _) in zip(sent, sent[1:]):
        assert next_us == pytest.approx(end_us, abs=bit_us / 50), "no gap between characters"
    (_, off), (on_us, on), (off_us, off_again) = bench.edges[DE]
    assert (off, on, off_again) == (0, 1, 0)
    assert sent[0][0] - on_us == pytest.approx(5 / 8 * bit_us, rel=0.02)
    assert off_us - sent[-1][1] == pytest.approx(bit_us / 8, abs=bit_us / 20)
    assert bench.flags == 0


@pytest.mark.parametrize("n", (1, 2, 4, 5, 9))
def test_the_flag_falls_with_the_driver(n):
    bench = _bench(9600)
    _send(bench, CONTENT[:n])
    while bench.flags:
        bench.run_until(bench.now_us + 2)
    assert bench.edges[DE][-1][1] == 0 and bench.now_us - bench.edges[DE][-1][0] <= 2.01


@lines
def test_the_end_of_a_frame_is_marked_one_bit_before_t35(baud, line_format):
    bit_us = 1e6 / baud
    for offset in range(5):  # of the start bit against the receiver's cycles
        bench = _bench(baud, line_format)
        end_us = _hear(bench, CONTENT[:9], bench.now_us + (10 + offset / 160) * bit_us, baud, line_format)
        bench.run_until(end_us + silence_us(baud, line_format))
        assert _frames(bench, line_format) == [_good(CONTENT[:9])]
        marked_us = bench.received[RECEIVER][-1][0]
        assert marked_us - end_us - silence_us(baud, line_format) == pytest.approx(-bit_us, abs=bit_us / 8)


@lines
def test_every_character_is_sampled_in_the_middle(baud, line_format):
    bit_us = 1e6 / baud
    bench = _bench(baud, line_format)
    length = len(bits_of(0, line_format))
    stop = length - 2 if line_format == FORMAT_8N2 else length - 1
    start_us = bench.now_us + 5 * bit_us
    end_us = _hear(bench, CONTENT, start_us, baud, line_format)
    bench.run_until(end_us + silence_us(baud, line_format))
    assert _frames(bench, line_format) == [_good(CONTENT)]
    for k, (at_us, _) in enumerate(bench.received[RECEIVER][:-1]):
        pushed_after = (at_us - start_us) / bit_us - length * k
        assert stop + 0.5 - 2 / 32 < pushed_after < stop + 0.5 + 5 / 32, (
            "two cycles after the middle of the first stop bit"
        )


@lines
@pytest.mark.parametrize("percent", (-3, 3))
def test_a_sender_that_is_off_by_three_percent(baud, line_format, percent):
    bench = _bench(baud, line_format)
    sender = baud * (100 + percent) / 100
    end_us = _hear(bench, CONTENT * 4, bench.now_us + 100, sender, line_format)
    bench.run_until(end_us + silence_us(baud, line_format))
    assert _frames(bench, line_format) == [_good(CONTENT * 4)]


@lines
def test_frames_exactly_t35_apart(baud, line_format):
    bench = _bench(baud, line_format)
    at_us = bench.now_us + 500
    for k in range(4):
        at_us = _hear(bench, CONTENT[k : 2 * k + 1], at_us, baud, line_format) + silence_us(baud, line_format)
    bench.run_until(at_us)
    assert _frames(bench, line_format) == [_good(CONTENT[k : 2 * k + 1]) for k in range(4)]


@lines
def test_a_missing_stop_bit_is_told(baud, line_format):
    bit_us = 1e6 / baud
    bench = _bench(baud, line_format)
    end_us = _hear(bench, b"ab", bench.now_us + 100, baud, line_format, bad=(1,))
    end_us = _hear(bench, b"cd", end_us + 2 * bit_us, baud, line_format)
    bench.run_until(end_us + silence_us(baud, line_format))
    assert _frames(bench, line_format) == [[(97, 1), (98, 0), (99, 1), (100, 1)]]


@lines
def test_a_break_is_one_word(baud, line_format):
    bit_us = 1e6 / baud
    bench = _bench(baud, line_format)
    start_us = bench.now_us + 100
    bench.drive(RX, [(start_us, 0), (start_us + 500 * bit_us, 1)])
    bench.run_until(start_us + 499 * bit_us)
    assert len(bench.received[RECEIVER]) == 0, "told when it is over"
    bench.run_until(start_us + 501 * bit_us + silence_us(baud, line_format))
    assert [word >> 16 for _, word in bench.received[RECEIVER]] == [0, END]


@rates
def test_a_spike_is_no_character(baud):
    bit_us = 1e6 / baud
    bench = _bench(baud)
    at_us = bench.now_us + 100
    bench.drive(RX, [(at_us, 0), (at_us + 0.4 * bit_us, 1)])
    bench.run_until(at_us + bit_us + silence_us(baud))
    assert _frames(bench) == []


@rates
def test_nothing_is_received_while_the_flag_is_set(baud):
    bit_us = 1e6 / baud
    bench = _bench(baud)
    at_us = bench.now_us + 50 * bit_us
    _send(bench, CONTENT)
    levels, _ = levels_of(CONTENT, bench.now_us + 2 * bit_us, baud)
    bench.drive(RX, levels)
    end_us = at_us + len(CONTENT) * 10 * bit_us
    end_us = _hear(bench, b"request", end_us + silence_us(baud), baud)
    bench.run_until(end_us + silence_us(baud))
    assert _frames(bench) == [_good(b"request")]


@lines
def test_the_fakes_make_the_same_waveform(baud, line_format):
    """What the unit tests see is what rp2040py sees, to one cycle of the programs."""
    cycle_us = 1e6 / baud / 8
    bench = _bench(baud, line_format)
    machine.power_on()
    port = Rs485Port(TX, RX, DE, machine.now_us, baud, line_format)
    port.write(CONTENT[:20], 20)
    machine.advance_us(250 * 1000000 // baud)
    _send(bench, CONTENT[:20])
    bench.run_until(bench.now_us + 250e6 / baud)
    for gpio in (TX, DE):
        ours, theirs = machine.pin_edges(gpio)[1:], bench.edges[gpio][1:]
        assert [level for _, level in ours] == [level for _, level in theirs]
        first, first_there = machine.pin_edges(TX)[1][0], bench.edges[TX][1][0]
        for (at, _), (at_there, _) in zip(ours, theirs):
            assert at - first == pytest.approx(at_there - first_there, abs=cycle_us / 4)

"""The RS485 port on the modelled chip: what stands on the wire, and who drives it when."""

import sys

sys.path.insert(0, "host_tests/shims")

import machine
import rp2

from firmware.hardware.rs485_rp2 import Rs485Port
from firmware.hardware.rtu_timing import FORMAT_8E1, FORMAT_8N1, FORMAT_8N2, FORMAT_8O1, silence_us
from host_tests.unit.serial_bits import FORMATS, bits_of, characters_of, levels_of

TX, RX, DE = 0, 1, 2
BAUD_RATES = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
SOME_LINES = [(baud, line_format) for baud in (1200, 19200, 115200) for line_format in FORMATS]
LINES = SOME_LINES + [(baud, FORMAT_8N1) for baud in BAUD_RATES if baud not in (1200, 19200, 115200)]
WITH_PARITY = (FORMAT_8E1, FORMAT_8O1)
EVERY_BYTE = bytes(range(256))


def _port(baud=9600, line_format=FORMAT_8N1, switch_on=True):
    if switch_on:
        machine.power_on()
    machine.advance_us(100)
    return Rs485Port(TX, RX, DE, machine.now_us, baud, line_format)


def _hear(content, after_us=0, baud=9600, line_format=FORMAT_8N1, bad=(), flipped=()):
    """Let characters arrive after `after_us`; return when the last stop bit ends."""
    levels, end_us = levels_of(content, machine.now_us() + after_us, baud, bad, line_format, flipped)
    machine.drive_pin(RX, levels)
    return end_us


def _until(moment_us):
    machine.advance_us(moment_us - machine.now_us())


def _received(port):
    """Return all frames that wait, in order."""
    buf = bytearray(600)
    frames = []
    while True:
        n = port.receive(buf, machine.now_us())
        if n == 0:
            return frames
        frames.append(bytes(buf[:n]))


def _sent(baud=9600, line_format=FORMAT_8N1):
    return characters_of(machine.pin_edges(TX), baud, line_format)


def _length_us(n, baud, line_format=FORMAT_8N1):
    return n * len(bits_of(0, line_format)) * 1000000 / baud


def _send(port, content, baud=9600, line_format=FORMAT_8N1):
    port.write(content, len(content))
    machine.advance_us(int(_length_us(len(content), baud, line_format) + 2000000 / baud + 1))
    assert not port.sending(machine.now_us())


def _refused(call, *args):
    try:
        call(*args)
    except ValueError:
        return True
    return False


def test_a_new_port_does_not_drive_the_line():
    _port()
    machine.advance_us(20000)
    assert machine.pin_edges(DE) == [(100, 0)]
    assert machine.pin_edges(TX) == [(100, 1)], "at rest"


def test_a_frame_is_there_when_the_line_has_been_silent():
    for baud, line_format in LINES:
        bit_us = 1000000 / baud
        for n in (1, 8, 256) if baud == 9600 else (1, 8):
            port = _port(baud, line_format)
            end_us = _hear(EVERY_BYTE[256 - n :], 5, baud, line_format)
            _until(end_us + silence_us(baud, line_format) - 1.5 * bit_us)
            assert _received(port) == [], (baud, line_format, n)
            _until(end_us + silence_us(baud, line_format))
            assert _received(port) == [EVERY_BYTE[256 - n :]], (baud, line_format, n)
            assert _received(port) == []
            assert port.framing_errors == port.parity_errors == port.overruns == 0


def test_what_follows_after_t35_is_another_frame_and_what_follows_sooner_is_not():
    for baud, line_format in LINES:
        bit_us = 1000000 / baud
        t35_us = silence_us(baud, line_format)
        for gap_us, frames in (
            (t35_us, [b"abc", b"defg"]),
            (t35_us - 1.5 * bit_us, [b"abcdefg"]),
            (0, [b"abcdefg"]),
        ):
            port = _port(baud, line_format)
            end_us = _hear(b"abc", 10, baud, line_format)
            end_us = _hear(b"defg", end_us + gap_us - machine.now_us(), baud, line_format)
            _until(end_us + t35_us)
            assert _received(port) == frames, (baud, line_format, gap_us)


def test_senders_that_are_off_by_three_percent_are_understood():
    for percent in (97, 98, 102, 103):
        for baud, line_format in SOME_LINES:
            port = _port(baud, line_format)
            end_us = _hear(EVERY_BYTE, 5, baud * percent / 100, line_format)
            _until(end_us + silence_us(baud, line_format) * 1.1)
            assert _received(port) == [EVERY_BYTE], (percent, baud, line_format)


def test_nothing_is_lost_while_nobody_looks_for_400_ms():
    port = _port()
    machine.advance_us(5000)
    frames = []
    end_us = machine.now_us()
    while end_us < machine.now_us() + 400000:
        frames.append(bytes([len(frames) + k for k in range(2 + 5 * len(frames))]))
        end_us = _hear(frames[-1], end_us + silence_us(9600) - machine.now_us())
    _until(end_us + 4000)
    assert len(frames) > 10
    assert _received(port) == frames
    assert port.overruns == 0


def test_a_frame_that_does_not_fit_is_cut_and_its_true_length_told():
    port = _port()
    _until(_hear(b"abcdefgh") + 4000)
    buf = bytearray(b"........")
    assert port.receive(memoryview(buf)[:5], 0) == 8
    assert buf == b"abcde..."


def test_an_incomplete_frame_leaves_the_buffer_alone():
    port = _port()
    _until(_hear(b"abc"))
    buf = bytearray(b"...")
    assert port.receive(buf, 0) == 0
    assert buf == b"..."


def test_a_character_without_stop_bit_costs_its_frame_only():
    for line_format in FORMATS:
        for at in (0, 3, 7):
            port = _port(9600, line_format)
            end_us = _hear(b"before..", 10, 9600, line_format)
            # The line goes back to rest before the next start bit, as it does when noise covers a stop bit.
            gap_us = end_us + 4100 - machine.now_us()
            end_us = _hear(b"xxxxxxxx"[: at + 1], gap_us, 9600, line_format, bad=(at,))
            end_us = _hear(b"xxxxxxxx"[at + 1 :], end_us + 150 - machine.now_us(), 9600, line_format)
            end_us = _hear(b"after...", end_us + 4100 - machine.now_us(), 9600, line_format)
            _until(end_us + 4100)
            assert _received(port) == [b"before..", b"after..."], (line_format, at)
            assert (port.framing_errors, port.parity_errors, port.overruns) == (1, 0, 0)


def test_a_wrong_parity_bit_costs_its_frame_only():
    for line_format in WITH_PARITY:
        for wrong in ((0,), (3,), (7,), (1, 2), tuple(range(8))):
            port = _port(19200, line_format)
            end_us = _hear(b"before..", 10, 19200, line_format)
            gap_us = end_us + 2100 - machine.now_us()
            end_us = _hear(b"\x00\xff\x01\x7f\x80abc", gap_us, 19200, line_format, flipped=wrong)
            end_us = _hear(b"after...", end_us + 2100 - machine.now_us(), 19200, line_format)
            _until(end_us + 2100)
            assert _received(port) == [b"before..", b"after..."], (line_format, wrong)
            assert (port.framing_errors, port.parity_errors, port.overruns) == (0, 1, 0)


def test_a_wrong_parity_bit_behind_the_end_of_the_buffer_counts_too():
    port = _port(19200, FORMAT_8E1)
    _until(_hear(b"abcdefgh", 0, 19200, FORMAT_8E1, flipped=(7,)) + 2100)
    buf = bytearray(5)
    assert port.receive(buf, 0) == 0 and port.parity_errors == 1


def test_without_parity_the_last_bit_is_data():
    for line_format in (FORMAT_8N1, FORMAT_8N2):
        port = _port(19200, line_format)
        _until(_hear(b"abc", 0, 19200, line_format, flipped=(1,)) + 2100)
        assert _received(port) == [b"a\xe2c"] and port.parity_errors == 0


def test_a_frame_with_both_errors_is_a_framing_error():
    port = _port(9600, FORMAT_8O1)
    _until(_hear(b"abc", 0, 9600, FORMAT_8O1, bad=(2,), flipped=(1,)) + 4100)
    assert _received(port) == []
    assert (port.framing_errors, port.parity_errors) == (1, 0)


def test_a_master_that_sends_one_stop_bit_to_a_port_of_two_is_understood():
    for baud in (1200, 9600, 115200):
        port = _port(baud, FORMAT_8N2)
        end_us = _hear(EVERY_BYTE, 5, baud, FORMAT_8N1)
        _until(end_us + silence_us(baud, FORMAT_8N2) + 1000000 / baud)
        assert _received(port) == [EVERY_BYTE]


def test_a_master_of_another_parity_is_not_understood_and_counted():
    for ours, theirs in ((FORMAT_8E1, FORMAT_8N1), (FORMAT_8E1, FORMAT_8O1), (FORMAT_8N1, FORMAT_8E1)):
        port = _port(9600, ours)
        end_us = _hear(b"\x01\x04\x00\x64\x00\x02\x30\x14", 5, 9600, theirs)
        end_us = _hear(b"after", end_us + 4100 - machine.now_us(), 9600, ours)
        _until(end_us + 4100)
        assert _received(port) == [b"after"], (ours, theirs)
        assert port.framing_errors + port.parity_errors == 1


def test_a_break_is_one_bad_frame_however_long_it_is():
    for line_format in FORMATS:
        port = _port(9600, line_format)
        now = machine.now_us()
        machine.drive_pin(RX, [(now + 100, 0), (now + 3000100, 1)])
        for _ in range(30):
            machine.advance_us(100000)
            assert _received(port) == []
        end_us = _hear(b"after", 4200, 9600, line_format)
        _until(end_us + 4100)
        assert _received(port) == [b"after"]
        assert (port.framing_errors, port.parity_errors) == (1, 0), "with even parity its parity is right"


def test_a_line_that_is_low_from_the_start_gives_nothing():
    machine.power_on()
    machine.close_contact(RX)
    port = _port(switch_on=False)
    machine.advance_us(100000)
    assert _received(port) == []
    machine.open_contact(RX)
    machine.advance_us(10000)
    assert _received(port) == [] and port.framing_errors == 1


def test_a_spike_shorter_than_half_a_bit_is_no_character():
    port = _port()
    now = machine.now_us()
    machine.drive_pin(RX, [(now + 1000, 0), (now + 1045, 1)])
    machine.advance_us(10000)
    assert _received(port) == []
    end_us = _hear(b"abc")
    machine.drive_pin(RX, [(end_us + 1000, 0), (end_us + 1045, 1)])  # between two characters
    end_us = _hear(b"def", 3 * 1042 + 1200)
    machine.drive_pin(RX, [(end_us + 500, 0), (end_us + 545, 1)])  # in the silence
    _until(end_us + 5000)
    assert _received(port) == [b"abcdef"]
    assert port.framing_errors == 0


def test_an_overrun_costs_what_was_overwritten_and_no_more():
    port = _port()
    frames = [bytes([n]) * 60 for n in range(11)]
    end_us = machine.now_us()
    for frame in frames:
        end_us = _hear(frame, end_us + 3700 - machine.now_us())
    _until(end_us + 4000)
    assert _received(port) == frames[-7:]
    assert port.overruns == 1
    _until(_hear(b"next") + 4000)
    assert _received(port) == [b"next"] and port.overruns == 1


def test_a_stream_without_an_end_is_an_overrun():
    port = _port(115200)
    end_us = _hear(bytes(700), 0, 115200)
    while machine.now_us() < end_us + 1000:
        machine.advance_us(1000)
        assert _received(port) == []
    assert port.overruns == 1, "one, however often it was looked at"
    end_us = _hear(b"next", 2000, 115200)
    _until(end_us + 2000)
    assert _received(port) == [b"next"]


def test_the_ring_may_lie_anywhere_in_memory():
    for at in (0, 16, 496, 512, 1008):
        machine.power_on()
        rp2.next_buffer_at(0x20008000 + at)
        port = _port(115200, switch_on=False)
        _until(_hear(bytes(400), 10, 115200) + 1750)
        assert _received(port) == [bytes(400)]
        _until(_hear(EVERY_BYTE, 10, 115200) + 1750)
        _send(port, EVERY_BYTE, 115200)
        assert bytes([byte for _, _, byte in _sent(115200)]) == EVERY_BYTE
        assert _received(port) == [EVERY_BYTE], "sending leaves alone what waits"


def _grown_old(port, halfwords):
    """Let the receiving DMA have moved so many halfwords, a multiple of the ring, all of them looked at."""
    assert halfwords % 512 == 0
    port._rx_dma.active(0)
    port._rx_dma.config(write=port._ring, count=0x3FFFFFFF - halfwords, trigger=True)
    port._start = port._seen = halfwords


def test_the_dma_starts_anew_in_a_silence_long_before_it_ends():
    port = _port()
    _grown_old(port, 0x20000000 - 512)
    _until(_hear(bytes(300)) + 4000)
    assert _received(port) == [bytes(300)]
    _until(_hear(bytes(300)))
    assert _received(port) == [] and _received(port) == []
    assert port._rx_dma.count < 0x1FFFFFFF, "not in the middle of a frame"
    machine.advance_us(4000)
    assert _received(port) == [bytes(300)]
    assert _received(port) == [] and port._rx_dma.count == 0x3FFFFFFF
    _until(_hear(b"next") + 4000)
    assert _received(port) == [b"next"]


def test_a_frame_leaves_with_the_driver_on_around_it():
    for baud, line_format in LINES:
        bit_us = 1000000 / baud
        for n in (1, 8, 256) if baud == 9600 else (1, 8):
            port = _port(baud, line_format)
            _send(port, EVERY_BYTE[:n], baud, line_format)
            sent = _sent(baud, line_format)
            assert bytes([byte for _, _, byte in sent]) == EVERY_BYTE[:n]
            off, on, off_again = machine.pin_edges(DE)
            assert (off[1], on[1], off_again[1]) == (0, 1, 0)
            assert 0 < sent[0][0] - on[0] < bit_us, "on before the first start bit"
            assert 0 < off_again[0] - sent[-1][1] < bit_us / 4, "off after the last stop bit"
            length_us = sent[-1][0] - sent[0][0]
            exact_us = _length_us(n - 1, baud, line_format)
            assert abs(length_us - exact_us) <= 0.0005 * length_us + 0.02, "the baud rate"


def test_only_the_first_n_bytes_go_out():
    port = _port()
    port.write(bytearray(b"abcdef"), 2)
    machine.advance_us(10000)
    assert [byte for _, _, byte in _sent()] == [97, 98]


def test_frames_follow_each_other():
    for line_format in FORMATS:
        port = _port(9600, line_format)
        for _ in range(3):
            _send(port, b"abc", 9600, line_format)
        assert bytes([byte for _, _, byte in _sent(9600, line_format)]) == b"abcabcabc"
        assert [level for _, level in machine.pin_edges(DE)] == [0, 1, 0, 1, 0, 1, 0]


def test_the_port_is_sending_until_the_driver_is_off():
    port = _port()
    for n in (1, 4, 9):
        port.write(EVERY_BYTE, n)
        machine.advance_us(20)  # less than it takes until the driver is on, and the first word is taken
        while port.sending(0):
            machine.advance_us(7)
        released_us, level = machine.pin_edges(DE)[-1]
        assert level == 0 and 0 <= machine.now_us() - released_us <= 7


def test_a_frame_that_cannot_be_sent_whole_is_refused():
    port = _port()
    assert _refused(port.write, bytearray(300), 257)
    assert _refused(port.write, bytearray(4), 5)
    assert _refused(port.write, bytearray(4), 0)
    machine.advance_us(1000)
    assert machine.pin_level(DE) == 0
    port.write(b"abc", 3)
    assert _refused(port.write, b"d", 1), "the frame before is still going out"


def test_the_port_does_not_hear_itself():
    for baud in BAUD_RATES:
        port = _port(baud)
        machine.watch_pin(TX, lambda level: machine.set_level(RX, level if machine.pin_level(DE) else None))
        for _ in range(2):
            _send(port, EVERY_BYTE[1:40], baud)
            machine.advance_us(silence_us(baud) + 5000)
            assert _received(port) == [] and port.framing_errors == 0, baud
        assert machine.pin_level(RX) == 1
        end_us = _hear(b"request", 0, baud)
        _until(end_us + silence_us(baud))
        assert _received(port) == [b"request"]


def test_who_talks_while_the_port_sends_is_not_heard():
    port = _port()
    _hear(b"before", 10)
    machine.advance_us(6 * 1042 + 4000)
    port.write(EVERY_BYTE, 20)
    _hear(b"talks into it", 500)
    machine.advance_us(20 * 1042 + 200)
    assert not port.sending(0)
    end_us = _hear(b"after", 3700)
    _until(end_us + 4000)
    assert _received(port) == [b"before", b"after"]


def test_a_request_right_behind_the_reply_is_heard():
    for baud, line_format in LINES:
        port = _port(baud, line_format)
        _send(port, b"abc", baud, line_format)
        end_us = _hear(b"request", 0, baud, line_format)
        _until(end_us + silence_us(baud, line_format))
        assert _received(port) == [b"request"]


def test_rate_and_format_change_at_once():
    for baud, line_format in SOME_LINES:
        port = _port(9600, FORMAT_8O1)
        port.configure(baud, line_format)
        _send(port, b"abc", baud, line_format)
        assert bytes([byte for _, _, byte in _sent(baud, line_format)]) == b"abc"
        end_us = _hear(b"new", 10, baud, line_format)
        _until(end_us + silence_us(baud, line_format))
        assert _received(port) == [b"new"]


def test_without_a_format_it_is_8n1():
    port = _port(9600, FORMAT_8E1)
    port.configure(9600)
    _send(port, b"abc")
    assert bytes([byte for _, _, byte in _sent()]) == b"abc"


def test_a_format_that_does_not_exist_is_refused():
    port = _port()
    for line_format in (-1, 4):
        assert _refused(port.configure, 9600, line_format)
    _send(port, b"abc")
    assert len(_sent()) == 3


def test_rate_and_format_change_after_the_frame():
    for line_format, following in zip(FORMATS, FORMATS[1:] + FORMATS[:1]):
        port = _port(9600, line_format)
        port.write(b"abc", 3)
        machine.advance_us(100)
        port.configure(38400, FORMAT_8N1)
        port.configure(19200, following)
        assert port.sending(0)
        machine.advance_us(200)
        assert port.sending(0), "looking at it changes nothing before"
        machine.advance_us(3300)
        assert bytes([byte for _, _, byte in _sent(9600, line_format)]) == b"abc"
        assert not port.sending(0)
        end_us = _hear(b"slow", 10, 19200, following)
        _until(end_us + silence_us(19200, following))
        assert _received(port) == [b"slow"]


def test_a_change_of_rate_or_format_leaves_the_pins_at_rest():
    port = _port()
    _send(port, b"abc")
    before = len(machine.pin_edges(TX)), len(machine.pin_edges(DE))
    for baud, line_format in LINES:
        port.configure(baud, line_format)
        machine.advance_us(2000)
        assert (machine.pin_level(TX), machine.pin_level(DE)) == (1, 0)
    assert (len(machine.pin_edges(TX)), len(machine.pin_edges(DE))) == before
    assert _received(port) == [] and port.framing_errors == 0


def test_what_waits_is_dropped_with_the_baud_rate():
    port = _port(9600)
    _until(_hear(b"old") + 4000)
    port.configure(19200)
    assert _received(port) == []


def test_a_port_after_a_soft_reset_in_the_middle_of_a_frame_works():
    machine.power_on()
    rp2.PIO(1)
    machine.mem32[0x50300034] = 0x10  # what the frame before has left behind
    port = _port(switch_on=False)
    assert not port.sending(0)
    _until(_hear(b"abc", 10) + 4000)
    assert _received(port) == [b"abc"]


def test_looking_for_frames_allocates_nothing():
    try:
        from micropython import heap_lock, heap_unlock
    except ImportError:
        return  # CPython cannot lock its heap
    port = _port(9600, FORMAT_8E1)
    _until(_hear(b"abcdef", 0, 9600, FORMAT_8E1) + 4100)
    buf = bytearray(256)
    heap_lock()
    try:
        n = port.receive(buf, 0)
        none = port.receive(buf, 0)
        sending = port.sending(0)
    finally:
        heap_unlock()
    assert (n, none, sending) == (6, 0, False)


def test_it_leaves_room_on_the_chip():
    _port()
    assert rp2.pio_words_free(0) == 32
    assert rp2.dma_channels_claimed() == 2

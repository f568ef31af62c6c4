"""The RS485 port on a modelled UART: bytes on the wire, and who drives the line when."""

import sys

sys.path.insert(0, "host_tests/shims")

import machine

from firmware import ticks
from firmware.hardware.rs485_rp2 import Rs485Port

TX, RX, DE = 0, 1, 2
START_US = ticks.PERIOD - 5000  # the counter wraps during every test


def _ticks_us():
    return ticks.add(START_US, machine.now_us())


def _port(baud=9600):
    machine.power_on()
    return Rs485Port(0, TX, RX, DE, _ticks_us, baud)


def _refused(call, *args):
    try:
        call(*args)
    except ValueError:
        return True
    return False


def _released_us():
    """Return when DE fell, having risen once."""
    edges = machine.pin_edges(DE)
    assert [level for _, level in edges] == [0, 1, 0], edges
    return edges[2][0]


def test_a_new_port_does_not_drive_the_line():
    _port()
    assert machine.pin_level(DE) == 0 and machine.pin_is_output(DE)


def test_received_bytes_are_copied_behind_what_is_there():
    port = _port()
    buf = bytearray(b"........")
    assert port.read(buf, 0) == 0
    machine.feed_bytes(0, b"abc")
    assert port.read(buf, 0) == 3
    machine.feed_bytes(0, b"de")
    assert port.read(buf, 3) == 2
    assert buf == b"abcde..."
    assert port.read(buf, 5) == 0


def test_bytes_that_do_not_fit_are_dropped_but_are_activity():
    port = _port()
    buf = bytearray(4)
    for content, start, taken in ((b"abcdef", 0, 4), (b"ghi", 3, 1), (b"jkl", 4, 0)):
        machine.advance_us(3000)
        machine.feed_bytes(0, content)
        assert port.read(buf, start) == taken == len(buf) - start
        assert port.silent_us(_ticks_us()) == 0
        assert port.read(buf, 0) == 0, "nothing is left behind"
    assert buf == b"abcg"


def test_two_whole_frames_wait_without_loss():
    port = _port()
    machine.feed_bytes(0, b"x" * 512)
    assert machine.bytes_lost(0) == 0
    buf = bytearray(600)
    assert port.read(buf, 0) == 512


def test_silence_counts_from_the_poll_that_saw_bytes():
    port = _port()
    buf = bytearray(16)
    machine.advance_us(2000)
    machine.feed_bytes(0, b"a")
    machine.advance_us(500)
    early = _ticks_us()
    machine.advance_us(10)
    port.read(buf, 0)
    assert port.silent_us(early) == 0, "a time taken before the poll is not negative silence"
    machine.advance_us(4010)
    assert port.silent_us(_ticks_us()) == 4010, "also across the wrap"


def test_silence_saturates_and_does_not_come_round():
    port = _port()
    machine.feed_bytes(0, b"a")
    port.read(bytearray(16), 0)
    for _ in range(3):
        machine.advance_us(ticks.PERIOD // 3)
        assert port.silent_us(_ticks_us()) == 1000000
    machine.feed_bytes(0, b"b")
    port.read(bytearray(16), 0)
    assert port.silent_us(_ticks_us()) == 0


def test_a_frame_leaves_with_de_around_it():
    for baud in (9600, 19200, 38400, 57600, 115200):
        for n in (1, 8, 255, 256):
            port = _port(baud)
            content = bytes([i & 255 for i in range(n)])
            port.write(content, n)
            assert machine.pin_level(DE) == 1, "before the first bit"
            assert port.sending(_ticks_us())
            machine.advance_us(n * 10000000 // baud + 5000)
            wire = machine.wire_output(0)
            assert bytes([byte for _, _, byte in wire]) == content
            char_us = 10000000 / baud
            late_us = _released_us() - wire[-1][1]
            assert 0 <= late_us <= char_us / 2, (baud, n, late_us)
            assert not port.sending(_ticks_us())


def test_only_the_first_n_bytes_go_out():
    port = _port()
    port.write(bytearray(b"abcdef"), 2)
    machine.advance_us(10000)
    assert [byte for _, _, byte in machine.wire_output(0)] == [97, 98]


def test_frames_follow_each_other():
    port = _port()
    for _ in range(3):
        port.write(b"abc", 3)
        machine.advance_us(4000)
        assert not port.sending(_ticks_us())
    assert len(machine.wire_output(0)) == 9


def test_a_frame_that_cannot_be_sent_whole_is_refused():
    port = _port()
    assert _refused(port.write, bytearray(300), 257)
    assert _refused(port.write, bytearray(4), 5)
    assert _refused(port.write, bytearray(4), 0)
    assert machine.pin_level(DE) == 0
    port.write(b"abc", 3)
    assert _refused(port.write, b"d", 1), "the frame before is still going out"


def test_the_loop_releases_de_where_the_timer_did_not():
    port = _port()
    port.write(b"abc", 3)
    port._timer._due_us = None  # a timer that never fires
    machine.advance_us(4000)
    assert machine.pin_level(DE) == 1
    assert port.sending(_ticks_us()) is False
    assert machine.pin_level(DE) == 0


def test_what_arrives_while_sending_is_dropped():
    port = _port()
    buf = bytearray(16)
    port.write(b"abc", 3)
    machine.feed_bytes(0, b"abc")
    assert port.read(buf, 0) == 0
    machine.advance_us(4000)
    assert port.read(buf, 0) == 0
    machine.feed_bytes(0, b"q")
    assert port.read(buf, 0) == 1


def test_the_baud_rate_changes_at_once_or_after_the_frame():
    port = _port()
    port.configure(115200)
    port.write(b"abc", 3)
    port.configure(9600)
    machine.advance_us(300)
    assert not port.sending(_ticks_us())
    port.write(b"d", 1)
    machine.advance_us(2000)
    lengths = [round(end - start) for start, end, _ in machine.wire_output(0)]
    assert lengths == [87, 87, 87, 1042]


def test_the_end_of_a_frame_allocates_nothing():
    try:
        from micropython import heap_lock, heap_unlock
    except ImportError:
        return  # CPython cannot lock its heap
    port = _port()
    port.write(b"abc", 3)
    port._timer._due_us = None
    machine.advance_us(4000)
    machine.stop_logging()
    heap_lock()
    try:
        port._frame_end(port._timer)
    finally:
        heap_unlock()
    assert machine.pin_level(DE) == 0

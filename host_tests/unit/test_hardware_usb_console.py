"""The console that never waits: what happens when the terminal is slow, stands still, or types."""

from firmware.hardware import usb_console
from firmware.hardware.usb_console import UsbConsole

_IN, _OUT = 1, 4


class Terminal:
    """The chip's standard input and output, the USB stack between them: `room` characters may be written."""

    POLLIN, POLLOUT = _IN, _OUT

    def __init__(self):
        self.room = 1000
        self.written = ""
        self.typed = ""
        self.stdin = self
        self.stdout = self

    def poll(self):
        return self

    def register(self, stream, events):
        assert stream is self and events == _IN | _OUT

    def ipoll(self, timeout_ms):
        assert timeout_ms == 0, "it would wait"
        ready = (_IN if self.typed else 0) | (_OUT if self.room > 0 else 0)
        return [(self, ready)] if ready else []

    def read(self, count):
        assert count == 1 and self.typed, "it would wait"
        character, self.typed = self.typed[0], self.typed[1:]
        return character

    def write(self, text):
        assert len(text) <= self.room, "it would wait"
        self.room -= len(text)
        self.written += text


def _console():
    terminal = Terminal()
    usb_console.select = usb_console.sys = terminal
    return UsbConsole(), terminal


def _turns(console, count):
    lines = [console.step() for _ in range(count)]
    return [line for line in lines if line is not None]


def test_lines_are_written_a_few_characters_a_turn_in_their_order():
    console, terminal = _console()
    console.write("first line")
    console.write("second")
    assert terminal.written == ""
    console.step()
    assert 0 < len(terminal.written) <= 4
    _turns(console, 10)
    assert terminal.written == "first line\nsecond\n"


def test_a_terminal_that_stands_still_stops_nothing_and_lines_are_dropped():
    console, terminal = _console()
    terminal.room = 3
    for n in range(100):
        console.write("line %d %s" % (n, "x" * 30))
        console.step()
    assert terminal.written == "lin"
    assert console.dropped > 0
    terminal.room = 100000
    _turns(console, 2000)
    lines = terminal.written.split("\n")
    assert lines[0].startswith("line 0 x") and lines[-1] == "" and len(lines) + console.dropped == 101


def test_typed_lines_are_handed_over_whole():
    console, terminal = _console()
    terminal.typed = "status\r\n\nlog\r"
    assert _turns(console, 10) == ["status", "log"]
    terminal.typed = "pla"
    assert _turns(console, 5) == []
    terminal.typed = "y 1 \n"
    assert _turns(console, 5) == ["play 1"]


def test_typing_does_not_wait_for_a_terminal_that_does_not_read():
    console, terminal = _console()
    terminal.room = 0
    console.write("stuck")
    terminal.typed = "help\n"
    assert _turns(console, 5) == ["help"]


def test_ctrl_c_is_a_character_that_stops_the_box_from_its_own_loop():
    console, terminal = _console()
    taken = []
    usb_console.micropython = Keyboard(taken)
    console.take_interrupts()
    assert taken == [-1]
    terminal.typed = "sta\x03"
    try:
        _turns(console, 5)
    except KeyboardInterrupt:
        assert terminal.typed == ""
    else:
        raise AssertionError("not stopped")


class Keyboard:
    """Which character interrupts the interpreter."""

    def __init__(self, taken):
        self.kbd_intr = taken.append


def test_a_line_without_end_is_cut():
    console, terminal = _console()
    terminal.typed = "z" * 500 + "\n"
    assert _turns(console, 200) == ["z" * 40]

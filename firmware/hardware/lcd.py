"""A character display of 4 x 20, HD44780 behind a PCF8574 on I2C.

The loop must not wait for it: a call writes at most three characters, 1.7 ms at 100 kHz, and only
where the glass shows something else. Commands and timing: HD44780U datasheet, tables 6 and figure 24.
"""

from micropython import const

ROWS = const(4)
COLUMNS = const(20)
_ROW_ADDRESS = (0x00, 0x40, 0x14, 0x54)
_RUN = const(3)  # characters a call

# Port bits of the PCF8574: D7 to D4 above these.
_RS = const(1)
_ENABLE = const(4)
_BACKLIGHT = const(8)

_SET_ADDRESS = const(0x80)
_START = (0x28, 0x08, 0x01, 0x06, 0x0C)  # 4 bits and 2 lines (4 on this glass), off, clear, to the right, on


class Lcd:
    """The display at `address` of `i2c` (100 kHz). The constructor raises OSError if none answers.

    `lost` is set when it stops answering later; it is then left alone until the next start.
    """

    def __init__(self, i2c, address: int, sleep_ms) -> None:
        self.lost = False
        self._i2c = i2c
        self._address = address
        self._shown = bytearray(b" " * (ROWS * COLUMNS))
        self._wanted = [" " * COLUMNS] * ROWS
        self._dirty = [False] * ROWS
        self._row = 0
        # One message: where to write, then the characters, four bytes each, with a byte before each
        # kind in which RS settles. The slices are kept, so that show() makes none.
        frame = memoryview(bytearray(6 + 4 * _RUN))
        frame[0] = _BACKLIGHT
        frame[5] = _BACKLIGHT | _RS
        self._frame = frame
        self._frames = [frame[: 6 + 4 * count] for count in range(_RUN + 1)]
        self._start(sleep_ms)

    def show(self, lines: list) -> None:
        """Take four lines of text, cut or filled to 20, and bring the glass a few characters nearer.

        To be called in every pass of the loop, with the same lines until they change; it returns at
        once when the glass shows them.
        """
        if self.lost:
            return
        for row in range(ROWS):
            if lines[row] != self._wanted[row]:
                self._wanted[row] = lines[row]
                self._dirty[row] = True
        for _ in range(ROWS):
            row = self._row
            self._row = (row + 1) % ROWS  # in turn, so that a busy line does not keep the others waiting
            if self._dirty[row]:
                self._refresh(row)
                return

    def _refresh(self, row: int) -> None:
        """Write the first characters of a row that differ, or note that none does."""
        base = row * COLUMNS
        text = self._wanted[row]
        for column in range(COLUMNS):
            if _code(text, column) != self._shown[base + column]:
                self._write_run(row, column)
                return
        self._dirty[row] = False

    def _write_run(self, row: int, column: int) -> None:
        count = min(_RUN, COLUMNS - column)
        frame = self._frame
        _encode(frame, 1, _SET_ADDRESS | (_ROW_ADDRESS[row] + column), 0)
        for place in range(count):
            code = _code(self._wanted[row], column + place)
            _encode(frame, 6 + 4 * place, code, _RS)
            self._shown[row * COLUMNS + column + place] = code
        try:
            self._i2c.writeto(self._address, self._frames[count])
        except OSError:
            self.lost = True

    def _start(self, sleep_ms) -> None:
        """Reset by instruction: valid from any state, also between two halves of a byte."""
        sleep_ms(50)
        for nibble, wait_ms in ((0x30, 5), (0x30, 1), (0x30, 1), (0x20, 1)):
            port = nibble | _BACKLIGHT
            self._i2c.writeto(self._address, bytes((port, port | _ENABLE, port)))
            sleep_ms(wait_ms)
        command = bytearray(5)
        command[0] = _BACKLIGHT
        for code in _START:
            _encode(command, 1, code, 0)
            self._i2c.writeto(self._address, command)
            sleep_ms(2)  # clearing takes 1.5 ms


def _encode(frame, at: int, code: int, rs: int) -> None:
    """Put one byte for the controller into `frame[at:at + 4]`: each half with Enable, then without."""
    high = code & 0xF0 | _BACKLIGHT | rs
    low = (code << 4) & 0xF0 | _BACKLIGHT | rs
    frame[at] = high | _ENABLE
    frame[at + 1] = high  # the controller reads as Enable falls
    frame[at + 2] = low | _ENABLE
    frame[at + 3] = low


def _code(text: str, column: int) -> int:
    """Return the character code at `column`, a space past the end, '?' where the glass has no such sign."""
    if column >= len(text):
        return 32
    code = ord(text[column])
    return code if 32 <= code < 126 and code != 92 else 63  # 92 is a yen sign there

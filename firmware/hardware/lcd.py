"""A character display of 4 x 20, HD44780 behind a PCF8574 on I2C.

The loop must not wait for it: a call writes one character at most, 0.5 ms at 100 kHz where it follows the
one before and 0.9 ms elsewhere, and only where the glass shows something else. Commands and timing: HD44780U
datasheet, tables 6 and figure 24.
"""

from micropython import const

ROWS = const(4)
COLUMNS = const(20)
_ROW_ADDRESS = (0x00, 0x40, 0x14, 0x54)
_NOWHERE = const(-1)

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
        self._row = self._column = 0  # where to go on
        self._cursor = _NOWHERE  # where the next character would land by itself
        # A message: where to write, then the character, four bytes each, with a byte before each kind in
        # which RS settles. Without the first part it goes on at the cursor.
        self._frame = memoryview(bytearray(10))
        self._frame[0] = _BACKLIGHT
        self._frame[5] = _BACKLIGHT | _RS
        self._going_on = self._frame[5:]
        self._start(sleep_ms)

    def show(self, lines: list) -> None:
        """Take four lines of text, cut or filled to 20, and bring the glass one character nearer.

        To be called again and again, with the same lines until they change; it returns at once when the
        glass shows them.
        """
        if self.lost:
            return
        for row in range(ROWS):
            if lines[row] != self._wanted[row]:
                self._wanted[row] = lines[row]
                self._dirty[row] = True
        # Row after row, each to its end: a line that keeps changing must not keep the others waiting.
        for _ in range(ROWS):
            if (self._column or self._dirty[self._row]) and self._refresh(self._row):
                return
            self._row = (self._row + 1) % ROWS
            self._column = 0

    def _refresh(self, row: int) -> bool:
        """Write the next character of a row that differs; False when there is none left."""
        base = row * COLUMNS
        text = self._wanted[row]
        if self._column == 0:
            self._dirty[row] = False  # a change from here on needs another round
        for column in range(self._column, COLUMNS):
            code = _code(text, column)
            if code != self._shown[base + column]:
                self._write(row, column, code)
                self._column = column + 1
                return True
        return False

    def _write(self, row: int, column: int, code: int) -> None:
        place = row * COLUMNS + column
        _encode(self._frame, 6, code, _RS)
        message = self._going_on
        if place != self._cursor:
            _encode(self._frame, 1, _SET_ADDRESS | (_ROW_ADDRESS[row] + column), 0)
            message = self._frame
        self._shown[place] = code
        self._cursor = place + 1 if column < COLUMNS - 1 else _NOWHERE  # rows do not follow one another
        try:
            self._i2c.writeto(self._address, message)
        except OSError:
            self.lost = True

    def _start(self, sleep_ms) -> None:
        """Reset by instruction: valid from any state, also between two halves of a byte."""
        sleep_ms(50)
        for nibble, wait_ms in ((0x30, 5), (0x30, 5), (0x30, 1), (0x20, 1)):
            port = nibble | _BACKLIGHT
            self._i2c.writeto(self._address, bytes((port, port | _ENABLE, port)))
            sleep_ms(wait_ms)
        command = bytearray(5)
        command[0] = _BACKLIGHT
        for code in _START:
            _encode(command, 1, code, 0)
            self._i2c.writeto(self._address, command)
            sleep_ms(5)  # clearing takes 1.5 ms, and twice that with a slow oscillator


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

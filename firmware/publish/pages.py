"""The display's pages in turn, each composed line by line so that no turn of the loop takes long."""

from micropython import const

from firmware.publish.display import LINES, TITLE, WIDTH, fit, lines_of, page_count

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from collections.abc import Iterator

_DISPLAY_MS = const(500)  # a page is composed anew this often
_PAGE_MS = const(4000)
_STAY_MS = const(30000)  # a page that was asked for by the key stays this much longer


class Pages:
    """`lines` is the page to be shown, four lines of exactly 20 characters, changed as a whole."""

    def __init__(self, box) -> None:
        self.lines = [" " * WIDTH] * (1 + LINES)
        self._box = box
        self._page = 0
        self._page_ms = 0
        self._display_ms = 0
        self._key = False
        self._source: Iterator[str] | None = None  # of the lines of the page that is being composed
        self._title = ""
        self._coming: list = []

    def turn(self, key: bool, dt_ms: int) -> None:
        """Let `dt_ms` pass; `key`: the key for the next page is held down."""
        pressed = key and not self._key
        self._key = key
        self._page_ms += dt_ms
        self._display_ms += dt_ms
        if pressed:
            self._page_ms = -_STAY_MS
        if pressed or self._page_ms >= _PAGE_MS:
            self._page_ms = min(self._page_ms, 0)
            self._page += 1
            self._display_ms = _DISPLAY_MS
        if self._display_ms >= _DISPLAY_MS:
            self._display_ms = 0
            self._begin()

    def step(self) -> bool:
        """Compose one line; False when there is none to be composed."""
        if self._source is None:
            return False
        line = next(self._source, None)
        if line is not None:
            self._add(line)
        if line is None or len(self._coming) > LINES:
            while len(self._coming) <= LINES:
                self._coming.append(" " * WIDTH)
            self.lines = self._coming
            self._source = None
        return True

    def _begin(self) -> None:
        pages = page_count(self._box)
        self._page %= pages
        self._title = "BENCH" if self._box.synthetic else "%2d/%-2d" % (self._page + 1, pages)
        self._source = lines_of(self._box, self._page, pages)
        self._coming = []

    def _add(self, line: str) -> None:
        if not self._coming:
            line = "%-15s%s" % (fit(line, TITLE), self._title)
        elif len(line) != WIDTH:
            line = "%-20s" % fit(line, WIDTH)
        self._coming.append(line)

"""Replaces pieces of a module's text and keeps its lines: what a traceback says of a line stays right."""


class Text:
    """A text, and what is to be replaced in it; places are (line from 1, column in bytes), as in `ast`."""

    def __init__(self, text: str) -> None:
        self._content = text.encode()
        self._starts = [0]
        for line in self._content.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._edits: list[tuple[int, int, bytes]] = []

    def replace(self, begin: tuple[int, int], end: tuple[int, int], new: str, old: str = "") -> None:
        """Put `new` where the text from `begin` to `end` is. ValueError where that is not `old`, if given."""
        first, last = self._offset(begin), self._offset(end)
        found = self._content[first:last]
        if old and found != old.encode():
            raise ValueError(f"line {begin[0]}: {old} is not where it should be")
        self._edits.append((first, last, new.encode() + b"\n" * found.count(b"\n")))

    def edited(self) -> str:
        """Return the text with all replacements made; as many lines as before."""
        content = self._content
        for first, last, new in sorted(self._edits, reverse=True):
            content = content[:first] + new + content[last:]
        return content.decode()

    def _offset(self, place: tuple[int, int]) -> int:
        return self._starts[place[0] - 1] + place[1]

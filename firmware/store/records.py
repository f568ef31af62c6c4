"""One record in two slots: a write never touches the newest copy, so a power cut costs the change only.

A slot is `BBOX`, version (1 byte), 3 bytes of zero, sequence number, length of the content, CRC-32 of
the content and of the sequence number (all u32, little-endian), then the content, which is JSON.
"""

import binascii
import json
import struct

_HEAD = "<4sB3xIII"
_HEAD_BYTES = 20
_MAGIC = b"BBOX"
_VERSION = 1
SLOTS = ("a", "b")


class RecordError(ValueError):
    """Slots exist, but none of them holds an intact record."""


def pack(sequence: int, content: dict) -> bytes:
    """Return the bytes of a slot."""
    body = json.dumps(content).encode()
    return struct.pack(_HEAD, _MAGIC, _VERSION, sequence, len(body), _crc(sequence, body)) + body


def unpack(slot: bytes) -> tuple[int, dict] | None:
    """Return (sequence, content) of a slot's bytes, or None when they are not an intact record."""
    if len(slot) < _HEAD_BYTES:
        return None
    magic, version, sequence, length, crc = struct.unpack(_HEAD, slot[:_HEAD_BYTES])
    body = bytes(slot[_HEAD_BYTES:])
    if magic != _MAGIC or version != _VERSION or length != len(body) or crc != _crc(sequence, body):
        return None
    try:
        content = json.loads(body)
    except ValueError:
        return None
    return (sequence, content) if isinstance(content, dict) else None


def _crc(sequence: int, body: bytes) -> int:
    return binascii.crc32(struct.pack("<I", sequence) + body) & 0xFFFFFFFF


class Record:
    """A record called `name` on a storage (`read(name) -> bytes | None`, `write(name, bytes)`)."""

    def __init__(self, storage, name: str) -> None:
        self._storage = storage
        self._name = name
        self._sequence = 0
        self._slot = 1  # the next write goes to the other one
        self.damaged = 0  # slots that exist and are not intact

    def load(self) -> dict | None:
        """Return the newest intact content, or None when nothing was ever stored.

        Raises RecordError when slots exist but none is intact.
        """
        best = None
        present = 0
        self.damaged = 0
        for slot in range(2):
            raw = self._storage.read(self._file(slot))
            if raw is None:
                continue
            present += 1
            found = unpack(raw)
            if found is None:
                self.damaged += 1
            elif best is None or found[0] > best[0]:
                best = found
                self._slot = slot
        if best is None:
            if present:
                raise RecordError("no intact copy of %s: all %d are damaged" % (self._name, present))
            return None
        self._sequence = best[0]
        return best[1]

    def save(self, content: dict) -> None:
        """Write to the older slot. Raises OSError as the storage does; the newest copy stays."""
        slot = 1 - self._slot
        self._storage.write(self._file(slot), pack(self._sequence + 1, content))
        self._slot = slot
        self._sequence += 1

    def _file(self, slot: int) -> str:
        return self._name + "." + SLOTS[slot]

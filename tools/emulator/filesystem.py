"""The file system of the board: littlefs in the last part of the flash, as ports/rp2 formats it."""

from collections.abc import Mapping

from littlefs import LittleFS
from littlefs.errors import LittleFSError

FLASH_BYTES = 2 * 1024 * 1024
BLOCK_BYTES = 4096  # a flash sector, the least that can be erased
BLOCKS = 352  # 1408 KB
START = FLASH_BYTES - BLOCKS * BLOCK_BYTES
# ports/rp2's modules/_boot.py mounts with VfsLfs2(readsize=256, progsize=256); it sets no more.
_IO_BYTES = 256
_CACHE_BYTES = (
    1024  # four times that, as MicroPython has it: files up to half of it may lie in their directory
)


class FilesystemError(ValueError):
    """A file system could not be made or read; the text says which file and why."""


def build(files: Mapping[str, bytes]) -> bytes:
    """Return an image holding `{path on board: content}`. FilesystemError when it does not fit."""
    disk = LittleFS(block_size=BLOCK_BYTES, block_count=BLOCKS, read_size=_IO_BYTES, prog_size=_IO_BYTES)
    for path in sorted(files):
        folder = path.rpartition("/")[0]
        try:
            if folder:
                disk.makedirs(folder, exist_ok=True)
            with disk.open(path, "wb") as file:
                file.write(files[path])
        except (OSError, LittleFSError) as error:
            raise FilesystemError(f"{path} does not go into the file system: {error}") from error
    return bytes(disk.context.buffer)


def read(image: bytes) -> dict[str, bytes]:
    """Return `{path on board: content}` of every file of an image, such as one taken from a machine."""
    if len(image) != BLOCKS * BLOCK_BYTES:
        raise FilesystemError(f"a file system has {BLOCKS * BLOCK_BYTES} bytes, not {len(image)}")
    disk = LittleFS(
        block_size=BLOCK_BYTES,
        block_count=BLOCKS,
        read_size=_IO_BYTES,
        prog_size=_IO_BYTES,
        cache_size=_CACHE_BYTES,
        mount=False,
    )
    disk.context.buffer[:] = image
    try:
        disk.mount()
    except (OSError, LittleFSError) as error:
        raise FilesystemError(f"there is no file system in the image: {error}") from error
    files = {}
    for folder, _folders, names in disk.walk("/"):
        for name in names:
            path = f"{folder}/{name}".replace("//", "/").lstrip("/")
            with disk.open(path, "rb") as file:
                files[path] = file.read()
    return files

"""The board's side of copying files. Its text is run in the board's raw REPL; the host calls its functions.

What the host reads back is printed, one record a line. Paths are absolute.
"""

import binascii
import hashlib
import os
import sys

UNFINISHED = ".new"
_FOLDER = 0x4000  # the bit of os.ilistdir that tells a folder
_READ_BYTES = 4096

_writing: list = []  # the file that is being written


def show_files(ours, folder):
    """Print `sha256 size path` of the files `ours` and of all below `folder`, and last `end`.

    Folders end with `/` and have neither hash nor size; what else there is at the top is `other path`.
    """
    for name, is_folder in _entries(""):
        path = "/" + name
        if path == folder:
            _show_folder(folder)
        elif path in ours and not is_folder:
            _show_file(path)
        else:
            print("other", path + "/" * is_folder)
    print("end")


def show_space():
    """Print the bytes that the file system has, and those that are free."""
    numbers = os.statvfs("/")
    print(numbers[1] * numbers[2], numbers[1] * numbers[3])


def show(path):
    """Print the content of a small file in hex."""
    with open(path, "rb") as file:
        print(binascii.hexlify(file.read()).decode())


def begin(path):
    """Open `path` to be written anew. It keeps its old content until `commit`."""
    for place in range(1, len(path)):
        if path[place] == "/":
            _make_folder(path[:place])
    _writing.append(open(path + UNFINISHED, "wb"))  # noqa: SIM115  closed by finish()


def more(count):
    """Take the next piece of the file from stdin: `count` characters of base64, where no Ctrl-C can be."""
    _writing[0].write(binascii.a2b_base64(sys.stdin.buffer.read(count)))


def finish(path):
    """Close the file and print the SHA-256 of what can be read back of it."""
    _writing.pop().close()
    print(_sha256(path + UNFINISHED))


def commit(path):
    """Let the new content take the place of the old, in one step."""
    os.rename(path + UNFINISHED, path)


def remove(path):
    """Remove a file, or an empty folder (`path/`)."""
    if path.endswith("/"):
        os.rmdir(path[:-1])
    else:
        os.remove(path)


def remove_all(path):
    """Remove a folder and all that is in it."""
    for name, is_folder in _entries(path):
        if is_folder:
            remove_all(path + "/" + name)
        else:
            os.remove(path + "/" + name)
    os.rmdir(path)


def _entries(path):
    return sorted([(entry[0], bool(entry[1] & _FOLDER)) for entry in os.ilistdir(path + "/")])  # type: ignore[attr-defined]


def _show_folder(path):
    print(path + "/")
    for name, is_folder in _entries(path):
        if is_folder:
            _show_folder(path + "/" + name)
        else:
            _show_file(path + "/" + name)


def _show_file(path):
    print(_sha256(path), os.stat(path)[6], path)


def _make_folder(path):
    try:
        os.mkdir(path)
    except OSError as error:
        if error.errno != 17:  # EEXIST
            raise


def _sha256(path):
    digest = hashlib.sha256()
    piece = bytearray(_READ_BYTES)
    with open(path, "rb") as file:
        count = file.readinto(piece)
        while count:
            digest.update(memoryview(piece)[:count])
            count = file.readinto(piece)
    return binascii.hexlify(digest.digest()).decode()

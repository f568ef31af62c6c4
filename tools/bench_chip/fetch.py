"""Brings the Modbus peer, brainelectronics' micropython-modbus, into build/, where git does not look.

It is GPL: it is run as it is, for comparison, and none of it is in this project. Its archive on the package
index holds MicroPython files and no set-up for CPython. So pip can fetch, check and unpack it, and then ends
with an error because it cannot install it; what it has unpacked is all that is needed.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

NAME = "micropython-modbus"
VERSION = "2.3.7"
SHA256 = "b9351a66af0ff29dd585900e53827a989dedcb02ec63b1041358165089652271"  # of the archive
PACKAGE = "umodbus"
FOLDER = Path(__file__).parents[2] / "build" / "peers"
_TIMEOUT_S = 120


class PeerError(RuntimeError):
    """The peer cannot be had; the text is one line that says why."""


def fetch(folder: Path = FOLDER, sha256: str = SHA256, pip_options: Sequence[str] = ()) -> Path:
    """Return the folder of the peer's package, fetched if it is not there yet. Raises PeerError.

    An archive with another hash is refused by pip before it is unpacked.
    """
    target = folder / f"{NAME}-{VERSION}" / PACKAGE
    if target.is_dir():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        wanted = Path(scratch) / "wanted.txt"
        wanted.write_text(f"{NAME}=={VERSION} --hash=sha256:{sha256}\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input"]
        options = ["--no-deps", "--no-binary", ":all:", "--require-hashes", "--no-clean"]
        said = _run([*pip, *options, *pip_options, "-d", scratch, "-r", str(wanted)], scratch)
        unpacked = [path for path in Path(scratch).glob(f"pip-*/*/{PACKAGE}") if path.is_dir()]
        if len(unpacked) != 1:
            raise PeerError(f"{NAME} {VERSION} cannot be had: {said}")
        target.parent.mkdir(exist_ok=True)
        try:
            unpacked[0].rename(target)
        except OSError:  # another run was faster
            if not target.is_dir():
                raise
    return target


def _run(command: list[str], scratch: str) -> str:
    """Run pip with its temporary files in `scratch`; return its reason for the error, in one line."""
    environment = {**os.environ, "TMPDIR": scratch, "TEMP": scratch, "TMP": scratch}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    return errors[-1].removeprefix("ERROR: ") if errors else "pip gave no reason"

"""Reading a recording: raw int16 pairs or two-column CSV, as arrays of volts and amperes."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

LEAST_RATE_HZ = 400.0  # eight samples a cycle; below that a record holds no mains waveform
MOST_RATE_HZ = 10e6
# What a resampling in one piece takes in memory: about 60 bytes a pair.
MOST_PAIRS = 32_000_000
_SNIFFED = 4096


class RecordingError(ValueError):
    """A recording cannot be used; the text says which and why, in one line."""


def read_pairs(path: str, order: str) -> tuple[Samples, Samples]:
    """Return the two columns of a file as (voltage, current), unscaled. `order` is "iv" or "vi".

    Raises RecordingError. A file named .csv, or one that begins with text, is CSV; any other is
    little-endian int16 pairs.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror or error}") from error
    if not content:
        raise RecordingError(f"{path}: the file is empty")
    pairs = _from_text(path, content) if _is_text(path, content) else _from_words(path, content)
    if len(pairs) > MOST_PAIRS:
        raise RecordingError(f"{path}: {len(pairs)} pairs are more than {MOST_PAIRS}; cut the recording")
    first, second = pairs[:, 0], pairs[:, 1]
    return (second, first) if order == "iv" else (first, second)


def scaled(column: Samples, per_count: float) -> Samples:
    """Return a column in V or A without its mean: the box's inputs are biased, and it measures no DC."""
    values = column * per_count
    return values - values.mean()


def check_numbers(rate_hz: float, volts_per_count: float, amps_per_count: float) -> None:
    """Raise RecordingError when the rate or a scale cannot be that of a recording."""
    if not LEAST_RATE_HZ <= rate_hz <= MOST_RATE_HZ:
        raise RecordingError(
            f"--rate must be {LEAST_RATE_HZ:g} to {MOST_RATE_HZ:g} pairs a second, not {rate_hz:g}"
        )
    for name, scale in (("--volts-per-count", volts_per_count), ("--amps-per-count", amps_per_count)):
        if not 0 < scale < float("inf"):
            raise RecordingError(f"{name} must be a number greater than zero, not {scale:g}")


def _is_text(path: str, content: bytes) -> bool:
    if path.lower().endswith((".csv", ".tsv")):
        return True
    start = content[:_SNIFFED].removeprefix(b"\xef\xbb\xbf")
    return all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start)


def _from_words(path: str, content: bytes) -> Samples:
    if len(content) % 4:
        raise RecordingError(f"{path}: {len(content)} bytes are not a whole number of int16 pairs")
    return np.frombuffer(content, dtype="<i2").reshape(-1, 2).astype(np.float64)


def _from_text(path: str, content: bytes) -> Samples:
    try:
        text = content.decode("utf-8-sig").replace('"', "")
    except UnicodeDecodeError as error:
        raise RecordingError(f"{path}: neither CSV text nor, by its name, int16 pairs") from error
    lines = text.splitlines()
    rows = [n for n, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")]
    if not rows:
        raise RecordingError(f"{path}: there are no numbers")
    separator = next((mark for mark in ";,\t" if mark in lines[rows[0]]), None)
    if separator == ";":
        lines = [line.replace(",", ".") for line in lines]  # a decimal comma
    if _numbers(lines[rows[0]], separator) is None:
        del rows[0]  # the header
        if not rows:
            raise RecordingError(f"{path}: there are no numbers")
    try:
        pairs = np.loadtxt([lines[n] for n in rows], delimiter=separator, ndmin=2, dtype=np.float64)
        if pairs.shape[1] == 2 and np.isfinite(pairs).all():
            return pairs
    except ValueError:
        pass  # the loop below finds the line
    for n in rows:
        if _numbers(lines[n], separator) is None:
            raise RecordingError(f"{path}: line {n + 1} is not two numbers: {lines[n].strip()[:60]!r}")
    raise RecordingError(f"{path}: not two columns of numbers")


def _numbers(line: str, separator: str | None) -> tuple[float, float] | None:
    try:
        first, second = (float(field) for field in line.partition("#")[0].split(separator))
    except ValueError:
        return None
    return (first, second) if np.isfinite(first) and np.isfinite(second) else None

"""From the recording's rate to the box's 3200 scans a second, and short recordings repeated."""

import math

import numpy as np

from tools.replay.recording import RecordingError, Samples

SCAN_HZ = 3200
LEAD_S = 0.3  # rest before the record: the first window needs a hop before it
TAIL_S = 0.4  # and after it, until the last window that holds some of it has ended
_LENGTHS = 4096  # that are tried to find a good one


def to_scans(samples: Samples, rate_hz: float) -> Samples:
    """Return a record as scans, with `LEAD_S` of rest before it and `TAIL_S` after it.

    By Fourier transform: everything below half the lower of the two rates is kept, everything above it
    removed, without delay. That is an ideal anti-alias filter, and as sums of squares and products go
    through unchanged, what a filter does to the ends of the record loses nothing either.
    """
    lead, tail = int(LEAD_S * rate_hz), math.ceil(TAIL_S * rate_hz)
    # Padded to a length that is also a whole number of scans, or nearly: at most 1e-6 of the time is lost.
    lengths = np.arange(_LENGTHS) + lead + len(samples) + tail
    in_scans = lengths * (SCAN_HZ / rate_hz)
    best = int(np.abs(in_scans - np.rint(in_scans)).round(9).argmin())
    points, scans = int(lengths[best]), round(in_scans[best])
    padded = np.zeros(points)
    padded[lead : lead + len(samples)] = samples
    spectrum = np.fft.rfft(padded)[: scans // 2 + 1]
    if scans <= points:
        spectrum[np.arange(len(spectrum)) * 2 >= scans] = 0  # half the scan rate itself
    every = np.fft.irfft(spectrum, scans) * (scans / points)
    return every[: math.ceil((LEAD_S + len(samples) / rate_hz + TAIL_S) * SCAN_HZ)]


def whole_cycles(pairs: int, rate_hz: float, hz: float) -> tuple[int, int]:
    """Return how many samples, from the start of a short record, are nearest to whole cycles, and how many.

    Raises RecordingError when there are fewer than two cycles, or no mains frequency to tell.
    """
    if not hz:
        raise RecordingError(
            f"{pairs / rate_hz:.3g} s are too short: below 1 s the record is repeated in whole cycles, "
            "and no mains frequency was found in the voltage"
        )
    cycles = int((pairs + 0.5) * hz / rate_hz)
    if cycles < 2:
        raise RecordingError(f"{pairs / rate_hz:.3g} s are too short: at least two whole cycles are needed")
    return min(pairs, round(cycles * rate_hz / hz)), cycles

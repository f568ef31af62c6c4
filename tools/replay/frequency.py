"""The mains frequency of a voltage record, by least squares."""

import math

import numpy as np

from tools.replay.recording import Samples

_SPAN_S = 0.5  # one fit; a longer record is the mean of several, so that a drifting frequency averages
_LOW_HZ, _HIGH_HZ = 35.0, 75.0
_ENOUGH_HZ = 3200.0  # the fundamental needs no more samples than this
_HARMONICS = 9
_LEAST_SAMPLES = 8
_LEAST_V = 1.0
_LEAST_PART = 0.3  # of the RMS value that has to be in the fundamental


def mains_hz(voltage: Samples, rate_hz: float) -> float:
    """Return the mean frequency of a voltage in V, or 0.0 where there is no mains frequency in it.

    Each span is fitted with a constant, a fundamental and its harmonics, and the frequency moved until
    the fit is best. Against zero crossings this needs no filter, and neither notches nor noise count.
    """
    group = max(1, int(rate_hz // _ENOUGH_HZ))
    whole = len(voltage) // group * group
    samples = voltage[:whole].reshape(-1, group).mean(axis=1)
    rate_hz /= group
    spans = max(1, round(len(samples) / rate_hz / _SPAN_S))
    found = [_fit(span, rate_hz) for span in np.array_split(samples, spans)]
    return float(np.mean(found)) if all(found) else 0.0


def _fit(samples: Samples, rate_hz: float) -> float:
    if len(samples) < _LEAST_SAMPLES:
        return 0.0
    samples = samples - samples.mean()
    rms = math.sqrt(np.mean(samples**2))
    if rms < _LEAST_V:
        return 0.0
    t = (np.arange(len(samples)) - len(samples) / 2) / rate_hz
    hz = _spectral_peak(samples, rate_hz)
    amplitude = 0.0
    for _ in range(8):
        orders = range(1, max(1, min(_HARMONICS, int(0.4 * rate_hz / hz))) + 1)
        angles = [2 * math.pi * hz * order * t for order in orders]
        columns = [np.ones_like(t)] + [wave(angle) for angle in angles for wave in (np.cos, np.sin)]
        values = np.linalg.lstsq(np.stack(columns, axis=1), samples, rcond=None)[0]
        c, s = values[1], values[2]
        amplitude = math.hypot(c, s)
        slope = 2 * math.pi * t * (s * columns[1] - c * columns[2])  # by the frequency
        values = np.linalg.lstsq(np.stack([*columns, slope], axis=1), samples, rcond=None)[0]
        hz += float(values[-1])
        if not _LOW_HZ <= hz <= _HIGH_HZ:
            return 0.0
        if abs(values[-1]) < 1e-7:
            break
    return hz if amplitude / math.sqrt(2) > _LEAST_PART * rms else 0.0


def _spectral_peak(samples: Samples, rate_hz: float) -> float:
    points = max(len(samples), int(8 * rate_hz))  # one line every 1/8 Hz
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), points))
    frequencies = np.fft.rfftfreq(points, 1 / rate_hz)
    band = (frequencies >= _LOW_HZ) & (frequencies <= _HIGH_HZ)
    return float(frequencies[band][spectrum[band].argmax()])

"""Calibration: from converter counts to volts and amperes, one row of values per channel."""

from firmware.acquire.layout import CHANNELS

FULL_SCALE_V = 400.0  # peak volts at full deflection of the reference front end
FULL_SCALE_A = 100.0  # peak amperes
_COUNTS = 2048.0


class CalibrationError(ValueError):
    """A calibration value cannot be right; the text names the channel and the value."""


class Calibration:
    """Gain, offset, polarity and phase of each channel, in the order of `layout.CHANNELS`.

    gain      V or A per count, greater than zero
    offset    counts by which the input rests above mid-scale; the running offset starts from it
    polarity  1, or -1 for a sensor that is wired the wrong way round
    phase_deg degrees at 50 Hz by which the channel's signal lags the true one (positive: late)
    """

    def __init__(self) -> None:
        self.gain = [
            FULL_SCALE_A / _COUNTS if name[0] in "IP" else FULL_SCALE_V / _COUNTS for name in CHANNELS
        ]
        self.offset = [0] * len(CHANNELS)
        self.polarity = [1] * len(CHANNELS)
        self.phase_deg = [0.0] * len(CHANNELS)

    def set(
        self, name: str, gain: float = 0.0, offset: int = 0, polarity: int = 1, phase_deg: float = 0.0
    ) -> None:
        """Set one channel, named as in `CHANNELS`; a gain of 0 keeps the default one.

        Raises CalibrationError for an unknown channel, and for values that no working front end
        has: gain within 0.2 to 5 times the default, offset within 400 counts, phase within 15 degrees.
        """
        if name not in CHANNELS:
            raise CalibrationError("there is no channel %s; channels: %s" % (name, " ".join(CHANNELS)))
        number = CHANNELS.index(name)
        default = FULL_SCALE_A / _COUNTS if name[0] in "IP" else FULL_SCALE_V / _COUNTS
        if gain and not 0.2 * default <= gain <= 5.0 * default:
            raise CalibrationError("%s: gain %g is not within 0.2 to 5 times %g" % (name, gain, default))
        if not -400 <= offset <= 400:
            raise CalibrationError("%s: offset %d is not within 400 counts" % (name, offset))
        if polarity not in (1, -1):
            raise CalibrationError("%s: polarity must be 1 or -1, not %s" % (name, polarity))
        if not -15.0 <= phase_deg <= 15.0:
            raise CalibrationError("%s: phase %g is not within 15 degrees" % (name, phase_deg))
        self.gain[number] = gain or default
        self.offset[number] = offset
        self.polarity[number] = polarity
        self.phase_deg[number] = phase_deg

    def load(self, rows: dict) -> None:
        """Set channels from `{name: {"gain": ..., "offset": ..., "polarity": ..., "phase_deg": ...}}`."""
        for name in rows:
            try:
                self.set(name, **rows[name])
            except TypeError:
                raise CalibrationError("%s: allowed are gain, offset, polarity, phase_deg" % name)  # noqa: B904

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
        has: offset a whole number within 400 counts, phase within 15 degrees, gain at most 5 times the
        default and at least 0.2 times for a current. A voltage must have 0.94 times: below, the overvoltage
        limit of 264.5 V would lie beyond the converter's range.
        """
        if name not in CHANNELS:
            raise CalibrationError("there is no channel %s; channels: %s" % (name, " ".join(CHANNELS)))
        number = CHANNELS.index(name)
        current = name[0] in "IP"
        default = FULL_SCALE_A / _COUNTS if current else FULL_SCALE_V / _COUNTS
        least = 0.2 if current else 0.94
        if gain and not least * default <= gain <= 5.0 * default:
            raise CalibrationError(
                "%s: gain %g is not within %g to 5 times %g" % (name, gain, least, default)
            )
        if not isinstance(offset, int) or not -400 <= offset <= 400:
            raise CalibrationError("%s: offset %s is not a whole number within 400 counts" % (name, offset))
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
        trial = Calibration()  # all or none: a mixture of old and new rows belongs to no front end
        for name in rows:
            try:
                if not isinstance(rows[name], dict):
                    raise TypeError
                trial.set(name, **rows[name])
            except TypeError:
                raise CalibrationError("%s: allowed are gain, offset, polarity, phase_deg" % name)  # noqa: B904
        for name in rows:
            self.set(name, **rows[name])

"""What a channel cannot say if it is sound. Pure: one window's mean and mean square in, a verdict out.

An input rests at mid-scale, moves with its signal, and never quite reaches the end of its range.
"""

from micropython import const

from firmware.signals import CHANNEL_ABSENT, CHANNEL_OK, CHANNEL_SATURATED, CHANNEL_STUCK

# Mean beyond this: 400 counts, what a bias voltage or calibration can make (78 V or 20 A).
_FAR = const(400 << 16)
# Mean square of a signal that does not move at all: a quarter of a count squared.
_FLAT = const(16)
# A sine that just fits has 1448 counts RMS; above 1463 its peaks are cut off.
_FULL = const(1463 * 1463 * 64)
# 0.45 Un on the reference front end. More than this without any mains frequency in it is no mains voltage.
_VOLTAGE = const(530 * 530 * 64)


def flaw_of(mean: int, square: int, noise: bool) -> int:
    """Return the flaw of a channel, signals.FLAW_NAMES.

    `mean` in 1/65536 count from mid-scale, `square` the mean square about it in 1/64 count squared;
    `noise`: a grid voltage with next to nothing of mains frequency in it. Limits of this: an input that
    is stuck near mid-scale looks like one without signal, and a current whose short peaks are cut off
    looks sound.
    """
    far = mean > _FAR or mean < -_FAR
    if square <= _FLAT:
        return CHANNEL_STUCK if far else CHANNEL_OK
    if far or square > _FULL:
        return CHANNEL_SATURATED
    if noise and square > _VOLTAGE:
        return CHANNEL_ABSENT  # noise: nothing drives the data line
    return CHANNEL_OK

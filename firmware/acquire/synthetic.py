"""A made-up grid, computed block by block in integers: for the bench, where there is no converter."""

import math
from array import array

import micropython
from micropython import const

from firmware.acquire.layout import MID_CODE

_STEPS = const(256)  # of the sine table
_STEP_50_HZ = const(262144)  # a full turn is 2^24, in 64 scans
_STEP_52_HZ = const(272630)
NOMINAL = const(1665)  # peak code of 230 V: 325 V of 400 V full scale
CURRENT = const(145)  # peak code of 5 A
WORDS = const(14)  # of the generator's state

# The scenes: step of the phase angle, and the peak codes of V1, V2, V3.
SOUND, INTERRUPTION, L1_LOST, DIP, UNDERVOLTAGE, OVERVOLTAGE, FREQUENCY = 0, 1, 2, 3, 4, 5, 6
SCENES = (
    (_STEP_50_HZ, (NOMINAL, NOMINAL, NOMINAL)),
    (_STEP_50_HZ, (0, 0, 0)),
    (_STEP_50_HZ, (0, NOMINAL, NOMINAL)),
    (_STEP_50_HZ, (NOMINAL * 3 // 10,) * 3),
    (_STEP_50_HZ, (NOMINAL * 3 // 4,) * 3),
    (_STEP_50_HZ, (NOMINAL * 6 // 5,) * 3),
    (_STEP_52_HZ, (NOMINAL, NOMINAL, NOMINAL)),
)


def sine_table() -> array:
    """Return a sine of 256 steps as codes, 0 to 4096 about 2048."""
    return array("H", [int(MID_CODE * (1 + math.sin(2 * math.pi * n / _STEPS)) + 0.5) for n in range(_STEPS)])


@micropython.viper
def synthesise(a: ptr16, b: ptr16, at: int, table: ptr16, now: ptr32):  # type: ignore
    """Write one block from word `at` on and advance the angle `now[0]`.

    `now`: angle, its step a scan, then the peak codes of V1..V3, U1..U3, B1..B3 and of the current.
    `table` is a sine of 256 steps, 0 to 4096 with 2048 for zero. |product| <= 2048 * 2048 < 2^31.
    """
    scan = 0
    while scan < 8:
        angle = now[0]
        phase = 0
        while phase < 3:
            sine = table[(angle >> 16) & 255] - 2048
            a[at + phase] = 2048 + ((sine * now[2 + phase]) >> 11)
            a[at + phase + 3] = 2048 + ((sine * now[5 + phase]) >> 11)
            backup = 2048 + ((sine * now[8 + phase]) >> 11)
            if phase == 2:
                b[at + 6] = backup
            else:
                a[at + 6 + phase] = backup
            b[at + phase] = 2048 + ((sine * now[11 + phase]) >> 11)
            angle -= 5592405
            phase += 1
        now[0] = (now[0] + now[1]) & 0xFFFFFF
        at += 8
        scan += 1

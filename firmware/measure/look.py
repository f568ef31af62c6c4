"""What every block says of the voltages: levels, transforms, and whether anything calls for a closer look.

The nine voltages' levels (levels.py), the three grid voltages' part of the transforms (phasor.py), and
the first, quick part of the detector (compare.py) and of the judgement (watch.py) in one function: a
function each would cost the interrupt 10 us more in every block. What it calls sound, the detector and the
judgement would find sound too; all that they do then is to count one good block.
"""

# mypy: disable-error-code="name-defined"

import micropython
from micropython import const

# As in memory.py.
_BLOCK = const(48)
_A_LOW = const(0)
_A_HIGH = const(1)
_NUMBER = const(5)
_NOW = const(6)
_BEFORE = const(8)
_CYCLE_POSITION = const(12)
_GOOD_BLOCKS = const(16)
_UNSETTLED = const(17)
_VOLTAGES = const(72)
_REST = const(0)
_LEVEL = const(9)
_HALF = const(18)
_ROW = const(21)
_NEUTRAL = const(24)
_JUDGED = const(27)
_LIMIT_DIP = const(30)
_SOUND_LOW = const(33)
_SOUND_HIGH = const(36)
_HISTORY = const(144)
_SPECTRUM = const(288)
_CYCLE_TABLE = const(1236)
# As in kernel.py: the sums of the phase's grid voltage, load bus (three slots on) and backup output.
_V = const(0)
_VV = const(2)
_U = const(24)
_UU = const(26)
_B = const(6)
_BB = const(7)
_COUNT_TOP = const(0x3FFFFFF)  # watch.py


@micropython.viper
def look(past: ptr32) -> int:
    """Advance by the present block; 1 when the grid has to be judged, 0 when it is sound: that is counted.

    `past` arrives as the memory's address; it and the next variable have registers. 16384 and 33554432 are
    the biases of the sums (kernel.py). What must not be negative is put together with `|`, and the sign
    looked at once: a comparison costs 20 cycles. All of it is below 2^30 (levels.py; 16 * 4095^2 < 2^28).
    """
    square = int(past)
    sums_at = square
    words = ptr32(square + 4 * _BLOCK)
    sample_at = (words[_A_HIGH] << 16) + words[_A_LOW]
    before_at = sample_at + words[_BEFORE]
    sample_at += words[_NOW]
    history_at = square + 4 * _HISTORY + ((words[_NUMBER] & 7) << 2)
    spectrum_at = square + 4 * _SPECTRUM
    past = ptr32(square + 4 * _CYCLE_TABLE + (words[_CYCLE_POSITION] << 2))
    cosine = past[0]
    sine = past[16]
    past = ptr32(square + 4 * _CYCLE_TABLE + (((words[_CYCLE_POSITION] + 8) & 15) << 2))
    cosine_8 = past[0]
    sine_8 = past[16]
    words[_CYCLE_POSITION] = (words[_CYCLE_POSITION] + 1) & 15
    channel_at = square + 4 * _VOLTAGES
    end = channel_at + 4 * 3
    unsound = words[_UNSETTLED]
    while channel_at < end:
        channel = ptr32(channel_at)
        sums = ptr32(sums_at)

        # Two transforms of the grid voltage.
        past = ptr32(spectrum_at)
        square = sums[_V] - 16384
        past[0] = square * cosine + past[0]
        past[1] = square * sine + past[1]
        past[2] = square * cosine_8 + past[2]
        past[3] = square * sine_8 + past[3]

        # Levels of grid voltage, load bus and backup output.
        past = ptr32(history_at)
        square = channel[_REST] - 2048
        square = ((square << 2) + 16384 - sums[_V]) * square * 2 - 33554432 + sums[_VV]
        past[0] = square
        past[8] = square
        tail = past[5] + past[6]
        square = square + past[7] + tail
        channel[_HALF] = square
        wrong = square - channel[_LIMIT_DIP]
        square = square + tail + past[4] + past[3]
        channel[_LEVEL] = square
        wrong = (square - channel[_SOUND_LOW]) | (channel[_SOUND_HIGH] - square) | wrong

        square = channel[_REST + 3] - 2048
        square = ((square << 2) + 16384 - sums[_U]) * square * 2 - 33554432 + sums[_UU]
        past[16] = square
        past[24] = square
        channel[_LEVEL + 3] = ((past[21] + past[22]) << 1) + square + past[23] + past[20] + past[19]

        past = ptr32(history_at + 128)
        square = channel[_REST + 6] - 2048
        square = ((square << 2) + 16384 - sums[_B]) * square * 2 - 33554432 + sums[_BB]
        past[0] = square
        past[8] = square
        channel[_LEVEL + 6] = ((past[5] + past[6]) << 1) + square + past[7] + past[4] + past[3]

        # Any eight missing samples in a row include the last one of a block (compare.py): when that one is
        # sound and no row is running, the other seven need no look.
        square = channel[_REST]
        last = ptr16(sample_at)[56] - square
        square = (square := ptr16(before_at)[56] - square) * square
        wrong = (square - channel[_NEUTRAL]) | (last * last * 16 - square) | (0 - channel[_ROW]) | wrong
        unsound = wrong & channel[_JUDGED] | unsound

        channel_at += 4
        sums_at += 32
        history_at += 192
        spectrum_at += 16
        sample_at += 2
        before_at += 2
    if unsound != 0:
        return 1  # not the bits themselves: made an object, they would be one on the heap
    square = words[_GOOD_BLOCKS] + 1
    if square > _COUNT_TOP:
        square = _COUNT_TOP
    words[_GOOD_BLOCKS] = square
    return 0

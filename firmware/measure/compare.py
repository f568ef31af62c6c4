"""The fast detector: each sample of the grid voltages against the same instant of the cycle before.

A sample is missing when it is below a quarter of its reference; eight missing samples in a row are an
interruption (or a dip below a quarter). A reference near its zero crossing can tell nothing: such a
sample neither counts nor breaks the row. A fall to zero is so confirmed after at most ten samples and
the rest of a block, 5.6 ms; a notch of 1.5 ms covers five samples and a spike leaves two.

The reference lies one cycle back in the same ring. It does not have to be frozen when a sample looks
missing: the decision falls within half a cycle, long before the fault could become its own reference.
"""

import micropython
from micropython import const

ROW = const(8)  # missing samples in a row that make an interruption
# Layout of the detector's state, three words of each: samples in the row, and the sums of the
# magnitudes of samples and references in it (at most 4096 each, the row is cut off at 255).
ROW_COUNT = const(0)
ROW_SAMPLE = const(3)
ROW_REFERENCE = const(6)
STATE_WORDS = const(9)


@micropython.viper
def compare_cycle(a: ptr16, now: int, before: int, rest: ptr32, neutral: ptr32, state: ptr32) -> int:  # type: ignore
    """Advance the rows of missing samples by one block; return the longest row seen in it (0 where a
    phase needed no look).

    `now` and `before` are the word offsets of this block and the one a cycle earlier, `rest` the codes of
    the inputs at rest, `neutral[3]`
    the reference magnitude in counts below which a sample tells nothing.
    """
    phase = 0
    longest = 0
    while phase < 3:
        offset = rest[phase]
        quiet = neutral[phase]
        row = state[phase]
        i = now + phase
        j = before + phase
        # Any eight missing samples in a row include the last one of a block: when that one is sound
        # and no row is running, the other seven need no look.
        sample = a[i + 56] - offset
        reference = a[j + 56] - offset
        if sample < 0:
            sample = 0 - sample
        if reference < 0:
            reference = 0 - reference
        if row == 0 and reference >= quiet and sample * 4 >= reference:
            phase += 1
            continue
        samples = state[phase + 3]
        references = state[phase + 6]
        end = i + 64
        while i < end:
            sample = a[i] - offset
            reference = a[j] - offset
            if sample < 0:
                sample = 0 - sample
            if reference < 0:
                reference = 0 - reference
            if reference >= quiet:
                if sample * 4 < reference:
                    row += 1
                    samples += sample
                    references += reference
                    if row > longest:
                        longest = row
                else:
                    row = 0
                    samples = 0
                    references = 0
            i += 8
            j += 8
        if row > 255:
            row = 255
            samples = 0
            references = 0
        state[phase] = row
        state[phase + 3] = samples
        state[phase + 6] = references
        phase += 1
    return longest

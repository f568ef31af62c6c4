"""The fast detector: each sample of the grid voltages against the same instant of the cycle before.

A sample is missing when it is below a quarter of its reference; eight missing samples in a row are an
interruption (or a dip below a quarter). A reference near its zero crossing can tell nothing: such a
sample neither counts nor breaks the row. A fall to zero is so confirmed after at most ten samples and
the rest of a block, 5.6 ms; a notch of 1.5 ms covers five samples and a spike leaves two.

The reference lies one cycle back in the same ring. It does not have to be frozen when a sample looks
missing: the decision falls within half a cycle, long before the fault could become its own reference.

Kept of a row are its samples, at most _ROW_TOP, and the sums of their magnitudes and of their references'.
"""

# mypy: disable-error-code="name-defined"

import micropython
from micropython import const

_ROW_TOP = const(255)  # where a row is cut off

# As in memory.py.
_BLOCK = const(48)
_A_LOW = const(0)
_A_HIGH = const(1)
_NOW = const(6)
_BEFORE = const(8)
_VOLTAGES = const(72)
_REST = const(0)
_ROW = const(21)
_NEUTRAL = const(24)
_ROW_SAMPLES = const(39)
_ROW_REFERENCES = const(42)


@micropython.viper
def compare_cycle(reference: int):
    """Advance the rows of missing samples of the three phases by the present block.

    `reference` arrives as the memory's address; it and the next variable have registers.
    """
    i = 0
    words = ptr32(reference + 4 * _BLOCK)
    at = (words[_A_HIGH] << 16) + words[_A_LOW]
    before_at = at + words[_BEFORE]
    at += words[_NOW]
    phase_at = reference + 4 * _VOLTAGES
    end = phase_at + 4 * 3
    while phase_at < end:
        a = ptr16(at)
        before = ptr16(before_at)
        phase = ptr32(phase_at)
        rest = phase[_REST]
        row = phase[_ROW]
        neutral = phase[_NEUTRAL]  # as a square, and so are samples and references: squares need no signs
        # As in look.py: a phase that is sound at the end of the block, and was before, has no full row.
        sample = (a[56] - rest) << 2
        square = (reference := before[56] - rest) * reference
        i = 0
        if row == 0 and square >= neutral and sample * sample >= square:
            i = 64
        while i < 64:
            square = (reference := before[i] - rest) * reference
            if square >= neutral:
                sample = a[i] - rest
                if sample * sample * 16 >= square:
                    row = 0
                    phase[_ROW_SAMPLES] = 0
                    phase[_ROW_REFERENCES] = 0
                else:
                    row += 1
                    if sample < 0:
                        sample = 0 - sample
                    if reference < 0:
                        reference = 0 - reference
                    phase[_ROW_SAMPLES] = phase[_ROW_SAMPLES] + sample
                    phase[_ROW_REFERENCES] = phase[_ROW_REFERENCES] + reference
            i += 8
        if row > _ROW_TOP:
            row = _ROW_TOP
            phase[_ROW_SAMPLES] = 0
            phase[_ROW_REFERENCES] = 0
        phase[_ROW] = row
        at += 2
        before_at += 2
        phase_at += 4

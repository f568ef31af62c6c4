"""The arithmetic of the readings: whole numbers, the same on every machine, and no object made.

A single-precision float has 24 bits and is an object; ten windows a second would leave 100 KB of them.

    Q6     mean products in counts squared, times 64      |.| <= 2^22 * 64 = 2^28
    Q16    mean codes in counts, times 65536              |.| <= 2^11 * 65536 = 2^27

A factor is a pair `(mantissa, shift)` that stands for mantissa / 2^(14 + shift), mantissa from 2^14 to
2^15: exact to 3 parts in 100,000. Whatever is multiplied with one may be up to 2^29.
"""

import micropython


def factor_of(value: float) -> tuple[int, int]:
    """Return the factor that stands for `value`, from 2^-30 to below 2; (0, 0) for 0. ValueError outside."""
    if value == 0.0:
        return 0, 0
    shift = 0
    while value < 1.0:
        value *= 2.0
        shift += 1
    mantissa = int(value * 16384 + 0.5)
    if not mantissa < 32768 or shift > 30:
        raise ValueError("a factor of %g cannot be expressed" % value)
    return mantissa, shift


@micropython.viper
def scaled(value: int, mantissa: int, shift: int) -> int:
    """Return `value` times a factor, rounded. |(value >> 14) * mantissa| < 2^15 * 2^15 = 2^30."""
    product = (value >> 14) * mantissa + (((value & 16383) * mantissa) >> 14)
    if shift > 0:
        product = (product + (1 << (shift - 1))) >> shift
    return product


@micropython.viper
def covariance(product: int, x: int, y: int) -> int:
    """Return the mean product (Q6) of two channels without the means x and y (Q16) of each.

    The means are split into whole counts and a rest of at most half a count: nothing is lost where a
    small signal rides on a large offset. Terms: 2^22 * 64 = 2^28, 2 * 2^11 * 2^15 = 2^27, 2^22.
    """
    ox = (x + 32768) >> 16
    oy = (y + 32768) >> 16
    fx = x - (ox << 16)
    fy = y - (oy << 16)
    rest = ox * fy + oy * fx
    return product - ((ox * oy) << 6) - (rest >> 10) - (((fx >> 4) * (fy >> 4)) >> 18)


@micropython.viper
def root(square: int) -> int:
    """Return the root in 1/256 count of a mean square in Q6, exact to 1 part in 30,000; 0 below 0.

    The square is shifted up to 2^28..2^30, so that its root has 15 bits.
    """
    if square <= 0:
        return 0
    up = 0
    while square < 0x10000000:
        square <<= 2
        up += 1
    result = 0
    bit = 0x4000
    while bit > 0:
        trial = result + bit
        if trial * trial <= square:
            result = trial
        bit >>= 1
    if square - result * result > result:
        result += 1
    result <<= 5  # the root of 64 is 8, and 32 times that is 256
    if up > 0:
        result = (result + (1 << (up - 1))) >> up
    return result


@micropython.viper
def apparent(cv: int, ma: int) -> int:
    """Return volts times amperes in 0.01 VA, of 0.01 V (up to 2^16) and mA (up to 2^19)."""
    high = cv * (ma >> 6)
    low = cv * (ma & 63)
    return high // 1000 * 64 + (high % 1000 * 64 + low + 500) // 1000


@micropython.viper
def per_mille(part: int, whole: int) -> int:
    """Return 1000 * part / whole, rounded, within -1000..1000; `whole` is above 0, both below 2^30."""
    sign = 1
    if part < 0:
        sign = 0 - 1
        part = 0 - part
    if part >= whole:
        return sign * 1000
    while whole >= 0x100000:
        part >>= 1
        whole >>= 1
    return sign * ((part * 1000 + (whole >> 1)) // whole)

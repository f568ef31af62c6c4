"""Fixed-point arithmetic against floats, and its ranges at their bounds."""

import math

from firmware.measure.fixed import apparent, covariance, factor_of, per_mille, root, scaled
from host_tests.unit.waves import Random


def _near(value, wanted, part, floor=1.0):
    return abs(value - wanted) <= abs(wanted) * part + floor


def test_a_factor_is_exact_to_3_parts_in_100000():
    for value in (1.9999, 1.0, 0.5, 0.3906, 0.0763, 0.00745, 0.0000001, 2.0**-30):
        mantissa, shift = factor_of(value)
        assert 16384 <= mantissa < 32768 and 0 <= shift <= 30
        assert abs(mantissa / 2.0 ** (14 + shift) - value) <= value * 0.00003
    assert factor_of(0.0) == (0, 0)


def test_a_factor_that_cannot_be_expressed_is_refused():
    for value in (2.0, 5.0, 1e-10):
        try:
            factor_of(value)
        except ValueError as error:
            assert "cannot be expressed" in str(error)
        else:
            raise AssertionError(value)


def test_scaling_rounds_and_keeps_signs():
    for factor in (1.9999, 1.0, 0.3814697, 0.0074506, 0.0001):
        mantissa, shift = factor_of(factor)
        for value in (0, 1, -1, 100, -100, 16383, 16384, -16385, 12345678, (1 << 29) - 1, -(1 << 29)):
            assert _near(scaled(value, mantissa, shift), value * factor, 0.00004), (value, factor)
    assert scaled(3, *factor_of(0.5)) == 2 and scaled(-3, *factor_of(0.5)) == -1, "halves go up"
    assert scaled(-1000000, 0, 0) == 0


def test_no_product_leaves_32_bits():
    for value in ((1 << 29) - 1, -(1 << 29)):
        assert abs((value >> 14) * 32767) < 1 << 31
        assert (value & 16383) * 32767 < 1 << 31
        assert abs(scaled(value, 32767, 0)) < 1 << 31


def _q(codes, others):
    """Return the mean product in Q6 and both means in Q16 of two rows of codes."""
    n = len(codes)
    product = sum([a * b for a, b in zip(codes, others)])
    return product * 64 // n, sum(codes) * 65536 // n, sum(others) * 65536 // n


def test_the_covariance_of_signals_on_offsets():
    random = Random(5)
    for amplitude, offset in ((2000, 40), (2, 399), (1, -400), (0, 400), (1600, -448)):
        codes = [offset + random.below(2 * amplitude + 1) - amplitude for _ in range(640)]
        others = [-offset // 2 + random.below(2 * amplitude + 1) - amplitude for _ in range(640)]
        mean_a, mean_b = sum(codes) / 640, sum(others) / 640
        exact = sum([(a - mean_a) * (b - mean_b) for a, b in zip(codes, others)]) / 640
        assert _near(covariance(*_q(codes, others)), exact * 64, 0.0, 3.0), (amplitude, offset)
        square = sum([(a - mean_a) ** 2 for a in codes]) / 640
        product, x, _ = _q(codes, codes)
        assert _near(covariance(product, x, x), square * 64, 0.0, 3.0), (amplitude, offset)


def test_covariance_at_the_bounds():
    for x in (2047, -2048):
        assert covariance(x * x * 64, x << 16, x << 16) == 0
    assert covariance(1 << 28, 0, 0) == 1 << 28, "from rail to rail"
    assert covariance(-(1 << 28), 0, 0) == -(1 << 28)
    # The largest of each term, as the docstring gives them.
    assert (2048 * 2048) << 6 == 1 << 28 and 2 * 2048 * 32768 == 1 << 27


def test_roots():
    for counts in (0.2, 0.5, 1.0, 2.05, 37.4, 530.0, 1178.0, 1448.2, 2048.0):
        square = int(counts * counts * 64 + 0.5)
        exact = math.sqrt(square / 64) * 256
        assert _near(root(square), exact, 1 / 30000, 0.51), (counts, root(square), exact)
    assert root(0) == root(-1) == root(-100000) == 0
    assert root(1) == 32 and root(64) == 256 and root(1 << 28) == 2048 * 256
    for square in range(1, 3000, 7):
        assert _near(root(square), math.sqrt(square) * 32, 1 / 30000, 0.51), square


def test_apparent_power():
    for cv, ma in (
        (23000, 63000),
        (23000, 5),
        (1, 1),
        (0, 100000),
        (65535, 500000),
        (28284, 70711),
        (23012, 1234),
    ):
        assert abs(apparent(cv, ma) - cv * ma / 1000) <= 1, (cv, ma)
    assert 65535 * (524287 >> 6) < 1 << 30 and 65535 * 63 + 999 * 64 < 1 << 30


def test_ratios():
    for part, whole in (
        (1, 2),
        (-1, 2),
        (999, 1000),
        (123456789, 987654321),
        (-98765, 100000),
        (0, 5),
        (2300, 460000),
    ):
        assert _near(per_mille(part, whole), 1000 * part / whole, 0.0, 1.0), (part, whole)
    assert (
        per_mille(5, 5) == per_mille(7, 5) == 1000 and per_mille(-5, 5) == per_mille(-(1 << 29), 3) == -1000
    )
    assert 0xFFFFF * 1000 + 0x80000 < 1 << 30

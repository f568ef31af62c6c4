"""The interrupt's arithmetic at its bounds, on this interpreter."""

from host_tests.unit import bounds


def test_everything_at_its_bounds_is_as_in_unbounded_arithmetic():
    assert bounds.check() == []


def test_a_wrong_result_would_be_found():
    patterns, plain_sums = bounds.PATTERNS, bounds._plain_sums
    bounds.PATTERNS = patterns[:1]
    bounds._plain_sums = lambda ring, block: [value + 1 for value in plain_sums(ring, block)]
    try:
        problems = bounds.check()
    finally:
        bounds.PATTERNS, bounds._plain_sums = patterns, plain_sums
    assert len(problems) == bounds.RING_BLOCKS + 2
    assert "sums" in problems[0] and "window" in problems[-1]

"""What stands for the board's memory on CPython: addresses reach their own array and nothing else."""

import gc
from array import array

import pytest
from uctypes import addressof


def test_an_address_reads_and_writes_its_array_from_there_on():
    words = array("i", range(10))
    at = addressof(words)
    assert addressof(words) == at
    assert ptr32(at)[3] == 3 and ptr32(at + 8)[1] == 3
    ptr32(at + 12)[0] = -7
    assert words[3] == -7 and ptr32(at)[3] == -7


def test_halfwords():
    codes = array("H", range(100))
    assert ptr16(addressof(codes) + 20)[5] == 15


def test_an_array_passes_through():
    words = array("i", [1, 2])
    assert ptr32(words) is words and ptr16(words) is words


def test_what_lies_outside_raises():
    words, others = array("i", [1, 2, 3]), array("i", [4, 5, 6])
    at = addressof(words)
    with pytest.raises(IndexError):
        ptr32(at)[3]
    with pytest.raises(ValueError, match="no element"):
        ptr32(at + 12)
    with pytest.raises(ValueError, match="no element"):
        ptr32(at + 2)
    with pytest.raises(ValueError, match="no element"):
        ptr16(at)
    with pytest.raises(ValueError, match="no element"):
        ptr32(5)
    assert abs(addressof(others) - at) > 12


def test_a_value_that_does_not_fit_raises():
    words = array("i", [0])
    with pytest.raises(ValueError):
        ptr32(addressof(words))[0] = 1 << 31


def test_the_address_of_an_array_that_is_gone_is_nobodys():
    words = array("i", [1])
    at = addressof(words)
    del words
    gc.collect()
    with pytest.raises(ValueError, match="no element"):
        ptr32(at)
    later = array("i", [2])
    assert addressof(later) != at

"""The part of MicroPython's `micropython` module that the firmware uses, for CPython.

Code emitters become plain functions: the arithmetic is then unbounded, and a sum that would not fit
its array element raises OverflowError instead of wrapping, which is what a test wants to see.
"""


def const(value):
    return value


def native(function):
    return function


def viper(function):
    return function


def alloc_emergency_exception_buf(size):
    if size < 0:
        raise ValueError("buffer size must not be negative")

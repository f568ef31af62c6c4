"""Run portable test files on this interpreter: `micropython host_tests/run_portable.py FILE...`.

A portable test file holds functions named `test_*` without arguments and asserts; it imports nothing
that MicroPython does not have. pytest runs the same files on CPython.
"""

import sys


def run(paths):
    """Import each file as a module and call its tests; return (passed, failed)."""
    passed = failed = 0
    for path in paths:
        module = __import__(path[:-3].replace("/", "."), None, None, ("*",))
        for name in sorted(dir(module)):
            test = getattr(module, name)
            if not name.startswith("test_") or not callable(test):
                continue
            try:
                test()
                passed += 1
            except Exception as error:  # a test runner reports whatever a test raises
                failed += 1
                print("FAILED %s::%s" % (path, name))
                sys.print_exception(error)
    return passed, failed


if __name__ == "__main__":
    counts = run(sys.argv[1:])
    print("micropython: %d passed, %d failed" % counts)
    sys.exit(1 if counts[1] or not counts[0] else 0)

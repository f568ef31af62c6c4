# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""rp2040py's execute loop with its questions asked in C: is an alarm reached, is PIO due, is it to stop?

The order of things is that of rp2040py's own loop (_execute_batch.py): an instruction, the time that
it took, the alarms in that time, the PIO. A run gives the same cycles with either.
"""

from rp2040py.native._cortex_m0_core cimport CortexM0Core
from rp2040py.native._pio cimport RPPIO
from rp2040py.native._rp2040 cimport RP2040
from rp2040py.native._simulation_clock cimport SimulationClock

cdef double CYCLE_NS = 8.0
# PIO counts time in 1/256 of a cycle.
cdef long long GIVEN_UP = 8 << 8  # later than this and rp2040py lets a state machine start anew
cdef long long HOPELESS = 64 << 8  # one that has fallen so far behind is faster than this emulator can be


cdef inline object run_due(RPPIO pio):
    """Let each state machine that is due take its step.

    One that was due at the beginning of a long instruction (a POP of nine registers) is late by more
    than rp2040py forgives: it lost its phase, some fifty times a second, and with it its step with the
    others. Here it is told that it is a little earlier.
    """
    cdef long long now = pio.cycle_fp
    if GIVEN_UP < now - pio.next_due_fp <= HOPELESS:
        pio.cycle_fp = pio.next_due_fp + GIVEN_UP
        pio._run_due()
        pio.cycle_fp = now
    else:
        pio._run_due()


cdef class Loop:
    """What the chip asks of whoever drives it, and `run()`, which returns when `stopped` was set."""

    cdef public object rp2040
    cdef public object clock
    cdef public bint stopped

    def __init__(self, chip):
        self.rp2040 = chip
        self.clock = chip.clock
        self.stopped = True

    def run(self):
        cdef RP2040 chip = self.rp2040
        cdef CortexM0Core core = chip.core
        cdef SimulationClock clock = chip.clock
        cdef RPPIO first = chip.pio[0]
        cdef RPPIO second = chip.pio[1]
        cdef double nanos
        cdef long long cycles
        while not self.stopped:
            if core.waiting:
                nanos = clock.nanos_to_next_alarm
                clock.tick(nanos)
                cycles = <long long>(nanos / CYCLE_NS)
            else:
                cycles = core.execute_instruction()
                nanos = cycles * CYCLE_NS
                if clock._next_alarm is None or clock._next_alarm.nanos > clock._nanos_counter + nanos:
                    clock._nanos_counter += nanos
                else:
                    clock.tick(nanos)
            if not first.stopped:
                first.cycle_fp += cycles << 8
                if first.cycle_fp >= first.next_due_fp:
                    run_due(first)
            if not second.stopped:
                second.cycle_fp += cycles << 8
                if second.cycle_fp >= second.next_due_fp:
                    run_due(second)

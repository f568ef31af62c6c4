"""The bare Pico's sampler: its converter modelled, DMA into the ring, blocks folded into the layout."""

import sys

sys.path.insert(0, "host_tests/shims")

import machine

from firmware.hardware.adc_rp2 import AdcSampler

BLOCK_US = 2500
CODES = (1000, 2000, 3000, 0, 0)


class Bench:
    """A sampler that runs, and what its handler was called with."""

    def __init__(self, code=lambda channel, now_us: CODES[channel]):
        machine.power_on()
        machine.stop_logging()
        machine.convert_with(code)
        self.sampler = AdcSampler(self.ticks_us)
        self.numbers = []
        self.sampler.start(self.numbers.append)

    def ticks_us(self):
        return int(machine.now_us()) & 0x3FFFFFFF

    def blocks(self, count):
        for _ in range(count):
            machine.advance_us(BLOCK_US)
            self.sampler.check(self.ticks_us())

    def scans(self, ring, slot, block):
        base = block % self.sampler.ring.depth * 64 + slot
        return [ring[base + 8 * scan] for scan in range(8)]


def test_the_three_inputs_come_into_their_slots():
    bench = Bench()
    bench.blocks(3)
    machine.advance_us(200)
    assert bench.numbers == [0, 1, 2]
    ring = bench.sampler.ring
    for block in (0, 1, 2):
        assert bench.scans(ring.a, 0, block) == [1000] * 8
        assert bench.scans(ring.b, 0, block)[1:] == [2000] * 7
        assert bench.scans(ring.a, 6, block) == [3000] * 8
    assert bench.scans(ring.a, 1, 2) == [2048] * 8, "there is no V2"


def test_a_round_is_a_quarter_of_a_scan():
    rounds = []

    def code(channel, now_us):
        if channel == 0:
            rounds.append(now_us)
        return 2048

    bench = Bench(code)
    bench.blocks(1)
    gaps = [later - earlier for earlier, later in zip(rounds[1:], rounds[2:])]
    assert max(gaps) - min(gaps) < 0.5 and abs(sum(gaps) / len(gaps) - 78.125) < 0.1


def test_blocks_that_came_while_interrupts_were_off_come_in_order():
    bench = Bench()
    bench.blocks(1)
    machine.advance_us(200)
    state = machine.disable_irq()
    machine.advance_us(5 * BLOCK_US)
    machine.enable_irq(state)
    assert bench.numbers == [0, 1, 2, 3, 4, 5]


def test_stopped_means_no_conversions_and_no_blocks():
    bench = Bench()
    bench.blocks(1)
    machine.advance_us(200)
    bench.sampler.stop()
    machine.advance_us(3 * BLOCK_US)
    assert bench.numbers == [0]


def test_a_lost_conversion_starts_sampling_anew_with_v1_in_its_slot():
    bench = Bench()
    bench.blocks(2)
    bench.sampler._dma.stop()  # nobody takes the results: the FIFO runs over
    machine.advance_us(2000)
    bench.sampler.check(bench.ticks_us())
    assert bench.sampler.restarts == 1
    seen = bench.numbers[-1]
    bench.blocks(2)
    machine.advance_us(200)
    assert bench.numbers[-1] == bench.numbers[-2] + 1 > seen
    ring = bench.sampler.ring
    assert bench.scans(ring.a, 0, bench.numbers[-1]) == [1000] * 8
    assert bench.scans(ring.a, 6, bench.numbers[-1]) == [3000] * 8

"""The sampler of the reference front end: programs executed, converters at the pins, DMA into the ring."""

import sys

sys.path.insert(0, "host_tests/shims")
sys.path.insert(0, "host_tests/unit")

import machine
import thumb  # in the place of firmware.hardware.thumb
from converters import Converters

from firmware.acquire.layout import NUMBERS, RING_BLOCKS, SLOTS
from firmware.hardware import board_pico
from firmware.hardware.mcp3208_rp2 import Mcp3208Sampler

PINS = dict(board_pico.PINS)
DEPTH = 4
BLOCK_US = 2500


class Bench:
    """A sampler that runs, its converters, and what the handler was called with."""

    def __init__(self, code=lambda chip, channel: 1000 * chip + 100 * channel + 7, absent=()):
        machine.power_on()
        machine.stop_logging()  # a clock of 800 kHz leaves long lists
        self.converters = Converters(PINS, code, absent)
        self.sampler = Mcp3208Sampler(PINS, self.ticks_us, DEPTH)
        self.numbers = []
        self.times = []
        self.sampler.start(self.on_block)

    def ticks_us(self):
        return int(machine.now_us()) & 0x3FFFFFFF

    def on_block(self, number):
        thumb.spread(self.sampler.ring, number)
        self.numbers.append(number)
        self.times.append(machine.now_us())

    def blocks(self, count):
        machine.advance_us(count * BLOCK_US)

    def words(self, ring, block):
        at = block % RING_BLOCKS * 64
        return list(ring[at : at + 64])


def test_all_sixteen_channels_come_into_their_slots():
    bench = Bench()
    bench.blocks(1)
    machine.advance_us(100)
    assert bench.numbers == [0]
    for scan in range(8):
        for slot in range(SLOTS):
            at = scan * SLOTS + slot
            assert bench.sampler.ring.a[at] == 100 * slot + 7, (scan, slot)
            assert bench.sampler.ring.b[at] == 1000 + 100 * slot + 7, (scan, slot)


def test_every_bit_comes_through():
    codes = (0, 4095, 0xAAA, 0x555, 1, 2048, 0x7FF, 0x123)
    bench = Bench(lambda chip, channel: codes[channel] ^ (0xFFF * chip))
    bench.blocks(1)
    machine.advance_us(100)
    assert bench.words(bench.sampler.ring.a, 0)[:8] == list(codes)
    assert bench.words(bench.sampler.ring.b, 0)[:8] == [code ^ 0xFFF for code in codes]


def test_the_converters_have_nothing_to_complain_of():
    bench = Bench()
    bench.blocks(1)
    converters = bench.converters
    assert converters.faults == []
    assert converters.shortest_clock_us >= 1.0  # 1 MHz at 2.7 V
    assert [channel for _t, channel in converters.conversions[:16]] == list(range(8)) * 2


def test_there_are_3200_scans_a_second_and_a_block_after_every_eighth():
    bench = Bench()
    bench.blocks(3)
    machine.advance_us(100)
    starts = [t for t, channel in bench.converters.conversions if channel == 0]
    gaps = [later - earlier for earlier, later in zip(starts, starts[1:])]
    assert max(gaps) - min(gaps) < 0.02 and abs(sum(gaps) / len(gaps) - 312.5) < 0.001
    assert bench.numbers == [0, 1, 2]
    for number, time_us in enumerate(bench.times):
        last = [t for t, _channel in bench.converters.conversions if t < time_us][-1]
        assert time_us - last < 60, "the block was not just finished"
        assert len([t for t, _channel in bench.converters.conversions if t < time_us]) == 64 * (number + 1)


def test_the_ring_goes_round():
    counter = [0]

    def code(chip, channel):
        if chip == 0 and channel == 0:
            counter[0] += 1
        return counter[0]

    bench = Bench(code)
    bench.blocks(DEPTH + 2)
    machine.advance_us(100)
    assert bench.numbers == list(range(DEPTH + 2))
    assert bench.words(bench.sampler.ring.a, DEPTH + 1)[0] == (DEPTH + 1) * 8 + 1
    assert bench.words(bench.sampler.ring.a, 3)[0] == 3 * 8 + 1


def test_what_came_while_interrupts_were_off_comes_in_order_afterwards():
    bench = Bench()
    bench.blocks(1)
    machine.advance_us(100)
    state = machine.disable_irq()
    bench.blocks(3)
    assert bench.numbers == [0]
    machine.enable_irq(state)
    assert bench.numbers == [0, 1, 2, 3]


def test_an_interrupt_without_a_new_block_does_nothing():
    bench = Bench()
    bench.blocks(1)
    machine.advance_us(100)
    bench.sampler._source._look(None)
    assert bench.numbers == [0] and bench.sampler._source.early == 1


def test_numbers_wrap_where_the_layout_says():
    bench = Bench()
    bench.sampler._source._state[0] = NUMBERS - 1
    bench.blocks(2)
    machine.advance_us(100)
    assert bench.numbers == [NUMBERS - 1, 0]


def test_a_stop_longer_than_the_ring_is_deep_is_counted():
    bench = Bench()
    for _ in range(41):
        bench.blocks(1)
        bench.sampler.check(bench.ticks_us())
    machine.advance_us(100)
    assert bench.numbers == list(range(41))
    state = machine.disable_irq()
    bench.blocks(45)  # two blocks and more than ten rings
    machine.enable_irq(state)
    bench.sampler.check(bench.ticks_us())
    bench.blocks(1)
    missing = bench.numbers[-1] - len(bench.numbers) + 1
    assert missing % DEPTH == 0 and abs(missing - 44) <= DEPTH, bench.numbers[-3:]
    assert bench.sampler.restarts == 0


def test_an_absent_converter_reads_all_ones():
    bench = Bench(absent=(1,))
    bench.blocks(1)
    machine.advance_us(100)
    assert bench.words(bench.sampler.ring.b, 0) == [4095] * 64
    assert bench.words(bench.sampler.ring.a, 0)[:2] == [7, 107]


def test_stopped_means_no_clock_and_no_blocks():
    bench = Bench()
    bench.blocks(1)
    machine.advance_us(100)
    bench.sampler.stop()
    done = len(bench.converters.conversions)
    bench.blocks(3)
    assert bench.numbers == [0] and len(bench.converters.conversions) <= done + 1


def test_a_stalled_fifo_starts_sampling_anew():
    bench = Bench()
    bench.blocks(1)
    machine.advance_us(100)
    bench.sampler._dmas[1].stop()  # as a bus error would
    bench.blocks(50)
    bench.sampler.check(bench.ticks_us())
    assert bench.sampler.restarts == 1
    seen = len(bench.numbers)
    bench.blocks(2)
    machine.advance_us(100)
    assert len(bench.numbers) == seen + 2
    assert bench.numbers[-1] == bench.numbers[-2] + 1 > seen
    place = bench.numbers[-1] % RING_BLOCKS * 64
    assert bench.sampler.ring.b[place + 3] == 1307

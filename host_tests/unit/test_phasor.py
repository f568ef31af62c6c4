"""The phasors of the grid voltages: angle, range, order, the queue and its gaps."""

import math

from firmware.measure.look import look
from firmware.measure.phasor import Phasors, end_cycle
from host_tests.unit.waves import Wave, code
from host_tests.unit.working import CYCLE_POSITION, CYCLE_TABLE, QUEUE, SPECTRUM, put_sums, with_ring


class Bench:
    """Phasors with the interrupt's side of them: plain sums of the grid voltages in, transforms out."""

    def __init__(self):
        self.memory, self._ring = with_ring(8)
        self.phasors = Phasors(self.memory)
        self.take = self.phasors.take

    def add(self, plain):
        """Take one block with these three plain sums."""
        sums = [0] * 42
        sums[0], sums[6], sums[12] = plain
        put_sums(self.memory, sums)
        look(self.memory.address)
        if self.memory.words[CYCLE_POSITION] % 8 == 0:
            end_cycle(self.memory.address)

    @property
    def values(self):
        return self.phasors.values

    @property
    def gap(self):
        return self.phasors.gap


def _sums(number, waves):
    sums = [0] * 3
    for phase, wave in enumerate(waves):
        sums[phase] = sum(
            [code(wave.counts((8 * number + k) / 3200, 1.0 / math.sqrt(2))) - 2048 for k in range(8)]
        )
    return sums


def _run(bench, waves, blocks, first=0):
    for number in range(first, first + blocks):
        bench.add(_sums(number, waves))


def _angle(values, phase):
    return math.degrees(math.atan2(values[2 * phase + 1], values[2 * phase]))


def _same(a, b, tolerance):
    return abs((a - b + 180) % 360 - 180) <= tolerance


def test_angles_follow_the_signals():
    for deg in range(0, 360, 30):
        phasors = Bench()
        _run(phasors, [Wave(1600, 50.0, deg - 120 * n) for n in range(3)], 32)
        angles = []
        while phasors.take():
            angles.append([_angle(phasors.values, n) for n in range(3)])
        assert len(angles) == 4
        for later in angles[2:]:
            for n in range(3):
                assert _same(later[n] - later[0], -120 * n, 0.2), (deg, n)
                assert _same(later[n], angles[1][n], 0.1), "50 Hz stands still"


def test_a_pure_tone_has_the_magnitude_that_the_threshold_is_made_for():
    phasors = Bench()
    _run(phasors, [Wave(1000, 50.0)], 32)
    while phasors.take():
        pass
    magnitude = math.sqrt(phasors.values[0] ** 2 + phasors.values[1] ** 2)
    assert abs(magnitude / (1000 * 7.8 * 1024) - 1) < 0.01


def test_railed_square_waves_stay_within_the_range_of_the_docstring():
    for shift in range(8):
        phasors = Bench()
        for number in range(64):
            phasors.add([-16384 if (number + shift) % 8 < 4 else 16376] * 3)
            for word in phasors.memory.words[SPECTRUM : SPECTRUM + 12]:
                assert abs(word) <= 1 << 26
            while phasors.take():
                for word in phasors.values:
                    assert abs(word) <= 1 << 26
    table = phasors.memory.words[CYCLE_TABLE : CYCLE_TABLE + 32]
    assert sum([abs(word) for word in table[:16]]) <= 16 * 256 and max(table) <= 256 and min(table) >= -256


def test_one_value_a_cycle_and_the_first_has_no_predecessor():
    phasors = Bench()
    assert not phasors.take()
    _run(phasors, [Wave(1000)], 7)
    assert not phasors.take()
    _run(phasors, [Wave(1000)], 1, first=7)
    assert phasors.take() and phasors.gap
    _run(phasors, [Wave(1000)], 8, first=8)
    assert phasors.take() and not phasors.gap
    assert not phasors.take()


def test_seven_cycles_may_wait_in_order():
    phasors = Bench()
    _run(phasors, [Wave(1600, 52.0)], 16)
    while phasors.take():
        pass
    before = _angle(phasors.values, 0)
    _run(phasors, [Wave(1600, 52.0)], 8 * 7, first=16)
    for _ in range(7):
        assert phasors.take() and not phasors.gap
        now = _angle(phasors.values, 0)
        assert _same(now - before, 360 * 2 * 0.02, 1.0)
        before = now


def test_an_overrun_is_a_gap_and_gives_the_newest():
    phasors, other = Bench(), Bench()
    wave = Wave(1600, 51.0)
    _run(phasors, [wave], 16)
    while phasors.take():
        pass
    _run(phasors, [wave], 8 * QUEUE, first=16)
    assert phasors.take() and phasors.gap and not phasors.take()
    _run(other, [wave], 8 + 8 * QUEUE)
    while other.take():
        pass
    _run(other, [wave], 8, first=8 + 8 * QUEUE)
    assert other.take() and other.values == phasors.values, "the newest"
    _run(phasors, [wave], 8, first=16 + 8 * QUEUE)
    assert phasors.take() and not phasors.gap

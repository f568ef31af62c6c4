"""The block function of the sampling interrupt in plain Python: what viper is compared with.

It does what `FrontEnd.on_block` does with a block, on a working memory of the same layout
(firmware/measure/memory.py), and leaves the same words: sums of 15 channels and 6 power pairs, levels and
transforms, the look at the grid, measuring windows. It is written as one would write it for speed without a
native compiler: local names, no calls in the inner loops, sums of small integers wherever they suffice.
Where the look finds a voltage that is not sound, the firmware's own detector takes over: on a sound grid it
is never reached.
"""

from uctypes import addressof

from firmware.measure.compare import compare_cycle
from firmware.supervise.watch import judge_grid

# As in firmware/measure/memory.py; host_tests/host/test_bench_chip.py compares what becomes of them.
_BLOCK = 48
_DEPTH = _BLOCK + 4
_NUMBER = _BLOCK + 5
_NOW = _BLOCK + 6
_QUARTER = _BLOCK + 7
_BEFORE = _BLOCK + 8
_EXPECTED = _BLOCK + 9
_BLOCKS = _BLOCK + 10
_LOST = _BLOCK + 11
_CYCLE_POSITION = _BLOCK + 12
_CYCLES = _BLOCK + 13
_HOP_POSITION = _BLOCK + 14
_HOPS = _BLOCK + 15
_GOOD_BLOCKS = _BLOCK + 16
_UNSETTLED = _BLOCK + 17
_VOLTAGES = 72
_HISTORY = 144
_SPECTRUM = 288
_CYCLE_QUEUE = 300
_HOP_QUEUE = 348
_CYCLE_TABLE = 1236
_HOP_WEIGHTS = 1268
_HOP_WORDS = 111
_HOP_BLOCKS = 40
_BLOCK_WORDS = 64
_NUMBERS = 1073741760
_COUNT = 0x3FFFFFFF
_COUNT_TOP = 0x3FFFFFF
_BIAS = 16384
_PRODUCT_BIAS = 33554432

# Sums of a phase, from its first word on: plain ones and products, in the order in which a hop has them.
_GRID = ((0, 1), (2, 3, 4, 5))
_BUS = ((24, 25), (26, 27, 28, 29))
_BACKUP = ((6,), (7,))
# Words of a hop's phase that begin with what the bias of the products will add.
_PRODUCT_TOTALS = (4, 7, 10, 13, 20, 23, 26, 29, 34)


class PlainBlocks:
    """Takes blocks out of a ring (acquire/layout.py) into `words`, a working memory that it gets filled."""

    def __init__(self, ring, words, open_grid) -> None:
        self.words = words
        self._a = ring.a
        self._b = ring.b
        self._address = addressof(words)
        self._open_grid = open_grid

    def on_block(self, number: int) -> None:
        """Take block `number`."""
        words = self.words
        words[_LOST] = (words[_LOST] + (number - words[_EXPECTED]) % _NUMBERS) & _COUNT
        words[_EXPECTED] = (number + 1) % _NUMBERS
        words[_NUMBER] = number
        depth = words[_DEPTH]
        place = number % depth
        quarter = (place + depth - 2) % depth
        before = (place + depth - 8) % depth
        words[_NOW] = 2 * _BLOCK_WORDS * place  # in bytes, for the detector
        words[_QUARTER] = 2 * _BLOCK_WORDS * quarter
        words[_BEFORE] = 2 * _BLOCK_WORDS * before
        self._sum(_BLOCK_WORDS * place, _BLOCK_WORDS * quarter)
        if self._unsound(number, _BLOCK_WORDS * place, _BLOCK_WORDS * before):
            compare_cycle(self._address)
            if judge_grid(self._address, 1):
                self._open_grid()
        else:
            words[_GOOD_BLOCKS] = min(words[_GOOD_BLOCKS] + 1, _COUNT_TOP)
        self._accumulate()
        if words[_CYCLE_POSITION] & 7 == 0:
            self._end_cycle()
        if words[_HOP_POSITION] == _HOP_BLOCKS:
            self._begin_hop()
        words[_BLOCKS] = (words[_BLOCKS] + 1) & _COUNT

    def _sum(self, at: int, quarter_at: int) -> None:
        a, b, words = self._a, self._b, self.words
        back = quarter_at - at
        for slot in range(6):
            total_x = total_y = squares_x = squares_y = products = delayed = 0
            for n in range(at + slot, at + slot + _BLOCK_WORDS, 8):
                x = a[n] - 2048
                y = b[n] - 2048
                total_x += x
                total_y += y
                squares_x += x * x
                squares_y += y * y
                products += x * y
                delayed += (a[n + back] - 2048) * y
            out = 8 * slot
            words[out] = total_x + _BIAS
            words[out + 1] = total_y + _BIAS
            words[out + 2] = squares_x + _PRODUCT_BIAS
            words[out + 3] = squares_y + _PRODUCT_BIAS
            words[out + 4] = products + _PRODUCT_BIAS
            words[out + 5] = delayed + _PRODUCT_BIAS
        for phase in range(3):
            codes, first = (b, at + 6) if phase == 2 else (a, at + 6 + phase)
            total_x = squares_x = 0
            for n in range(first, first + _BLOCK_WORDS, 8):
                x = codes[n] - 2048
                total_x += x
                squares_x += x * x
            words[8 * phase + 6] = total_x + _BIAS
            words[8 * phase + 7] = squares_x + _PRODUCT_BIAS

    def _unsound(self, number: int, at: int, before_at: int) -> bool:
        """Advance levels and transforms; True when the grid has to be judged."""
        a, words = self._a, self.words
        position = words[_CYCLE_POSITION]
        table = _CYCLE_TABLE + position
        cosine, sine = words[table], words[table + 16]
        table = _CYCLE_TABLE + (position + 8 & 15)
        cosine_8, sine_8 = words[table], words[table + 16]
        words[_CYCLE_POSITION] = position + 1 & 15
        unsound = words[_UNSETTLED] != 0
        number &= 7
        for phase in range(3):
            total = words[8 * phase] - _BIAS
            spectrum = _SPECTRUM + 4 * phase
            words[spectrum] += total * cosine
            words[spectrum + 1] += total * sine
            words[spectrum + 2] += total * cosine_8
            words[spectrum + 3] += total * sine_8

            channel = _VOLTAGES + phase
            for row in range(3):  # grid, load bus, backup output
                rest = words[channel + 3 * row] - 2048
                sums = 8 * phase + (0, 24, 6)[row]
                squares = words[sums + (1 if row == 2 else 2)] - _PRODUCT_BIAS
                square = squares + 2 * rest * (4 * rest - words[sums] + _BIAS)
                past = _HISTORY + 48 * phase + 16 * row + number
                words[past] = words[past + 8] = square
                tail = words[past + 5] + words[past + 6]
                half = square + words[past + 7] + tail
                level = half + tail + words[past + 4] + words[past + 3]
                words[channel + 9 + 3 * row] = level
                if row == 0:
                    words[channel + 18] = half
                    grid_half, grid_level = half, level

            if words[channel + 27]:
                rest = words[channel]
                reference = a[before_at + phase + 56] - rest
                reference *= reference
                last = a[at + phase + 56] - rest
                if (
                    grid_half < words[channel + 30]
                    or not words[channel + 33] <= grid_level <= words[channel + 36]
                    or reference < words[channel + 24]
                    or 16 * last * last < reference
                    or words[channel + 21] > 0
                ):
                    unsound = True
        return unsound

    def _accumulate(self) -> None:
        words = self.words
        position = words[_HOP_POSITION]
        words[_HOP_POSITION] = position + 1
        weight = words[_HOP_WEIGHTS + position]
        at = _HOP_QUEUE + _HOP_WORDS * (words[_HOPS] & 7)
        for phase in range(0, 24, 8):
            for plain, products in (_GRID, _BUS, _BACKUP):
                for place in plain:
                    total = words[phase + place]
                    words[at] += total
                    words[at + 1] += total * weight
                    at += 2
                for place in products:
                    total = words[phase + place]
                    words[at] += total
                    words[at + 1] += (total >> 8) * weight
                    words[at + 2] += (total & 255) * weight
                    at += 3

    def _end_cycle(self) -> None:
        words = self.words
        at = _SPECTRUM + (2 if words[_CYCLE_POSITION] == 8 else 0)
        queue = _CYCLE_QUEUE + 6 * (words[_CYCLES] & 7)
        for _ in range(3):
            words[queue] = words[at]
            words[queue + 1] = words[at + 1]
            words[at] = words[at + 1] = 0
            at += 4
            queue += 2
        words[_CYCLES] = (words[_CYCLES] + 1) & _COUNT

    def _begin_hop(self) -> None:
        words = self.words
        words[_HOP_POSITION] = 0
        hops = (words[_HOPS] + 1) & _COUNT
        at = _HOP_QUEUE + _HOP_WORDS * (hops & 7)
        for n in range(at, at + _HOP_WORDS):
            words[n] = 0
        for _ in range(3):
            for n in _PRODUCT_TOTALS:
                words[at + n] = -40 * _PRODUCT_BIAS
            at += _HOP_WORDS // 3
        words[_HOPS] = hops

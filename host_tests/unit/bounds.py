"""The interrupt's arithmetic at its bounds, against Python's unbounded integers; for every machine.

`check()` sends rail-to-rail samples through all that runs in the sampling interrupt and works each result
out the slow way. It imports nothing but firmware, so that it can also run on a board, where viper's integers
have 32 bits: test_bounds.py runs it on 64-bit hosts.
"""

from firmware.acquire.calibration import Calibration
from firmware.acquire.layout import NUMBERS, VOLTAGE_CHANNELS, Ring
from firmware.measure.look import look
from firmware.measure.memory import Memory
from firmware.measure.phasor import Phasors, end_cycle
from firmware.signals import DEEP_DIP, INTERRUPTION, OVERVOLTAGE, UNDERVOLTAGE
from firmware.store.settings import defaults
from firmware.supervise.front_end import FrontEnd
from firmware.supervise.watch import Watch

RING_BLOCKS = 8  # a cycle that repeats
TOP = 4095
# As in measure/memory.py and the files beside it.
EXPECTED, BLOCKS_TAKEN, LOST, CYCLE_POSITION, GOOD_BLOCKS = 57, 58, 59, 60, 64
LEVEL, HALF, ROW, ROW_SAMPLES = 81, 90, 93, 111
ROW_REFERENCES, UNDER, OVER, CYCLE_TABLE, HOP_WEIGHTS = 114, 117, 120, 1236, 1268
HOP_BLOCKS, ROW_TOP, COUNT_TOP = 40, 255, 0x3FFFFFF
PLAIN_BIAS, PRODUCT_BIAS = 1 << 14, 1 << 25


def check(kernel=None):
    """Return what is not as it should be, one text each: an empty list. `kernel`: a board's own form."""
    problems = []
    for name, code, rest in PATTERNS:
        problems += _samples(name, code, rest, kernel)
    return problems + _row_of_missing_samples() + _transforms() + _judgement() + _numbers()


def _mixed(seed):
    """Return rails in a pseudo-random order, the same on every machine (Park and Miller)."""
    state = [seed]

    def code(_block, _scan, _chip, _slot):
        state[0] = state[0] * 48271 % 0x7FFFFFFF
        return TOP * (state[0] >> 16 & 1)

    return code


# Name, code(block, scan, chip, slot), rest code of the voltages.
PATTERNS = (
    ("all at the bottom", lambda block, scan, chip, slot: 0, 2048),
    ("all at the top", lambda block, scan, chip, slot: TOP, 2048),
    ("voltages low, currents high", lambda block, scan, chip, slot: TOP * chip, 1648),
    ("voltages high, currents low", lambda block, scan, chip, slot: TOP - TOP * chip, 2448),
    ("as far from the rest code as can be", lambda block, scan, chip, slot: 0, TOP),
    ("scan by scan", lambda block, scan, chip, slot: TOP * ((scan + slot + chip) & 1), 0),
    ("square waves", lambda block, scan, chip, slot: TOP * ((block + slot) // 4 & 1), 2048),
    ("mixed", _mixed(7), 2040),
)


def _compare(problems, what, found, wanted):
    if list(found) != list(wanted):
        problems.append("%s: %s instead of %s" % (what, list(found), list(wanted)))


def _samples(name, code, rest, kernel):
    """Run three hops of blocks through the whole interrupt."""
    ring = Ring(RING_BLOCKS)
    for block in range(RING_BLOCKS):
        for scan in range(8):
            for chip, words in enumerate((ring.a, ring.b)):
                for slot in range(8):
                    words[64 * block + 8 * scan + slot] = code(block, scan, chip, slot)
    front = FrontEnd(ring, Calibration(), 3, kernel)
    front.watch.set_limits(defaults(), front.calibration)
    front.watch.arm()
    for channel in range(9):
        front.levels.rest[channel] = rest
    wanted = [_plain_sums(ring, block) for block in range(RING_BLOCKS)]
    words = front.memory.words
    windows = front.meter._windows
    problems = []
    hop = 0
    for number in range(3 * HOP_BLOCKS):
        front.on_block(number)
        if number < RING_BLOCKS:
            _compare(problems, name + ", sums", _sums(words), wanted[number])
        if windows.take():
            hop += 1
            _compare(problems, name + ", window", windows.means, _plain_window(wanted, hop, words))
    squares = [_plain_squares(ring, channel, rest) for channel in range(9)]
    # The last block was the last of the ring. A level is the half cycle and the one two blocks before it.
    level = [s[7] + s[6] + 2 * s[5] + 2 * s[4] + s[3] + s[2] for s in squares]
    _compare(problems, name + ", levels", front.levels.level, level)
    _compare(problems, name + ", half cycles", front.levels.half, [sum(s[4:]) for s in squares[:3]])
    _compare(problems, name + ", counts", [hop, front.blocks, front.lost_blocks], [2, 3 * HOP_BLOCKS, 0])
    return problems


def _sums(words):
    """Return the 42 sums of the present block in their order, without bias."""
    sums = []
    for slot in range(6):
        for n in range(6):
            sums.append(words[8 * slot + n] - (PLAIN_BIAS if n < 2 else PRODUCT_BIAS))
    for n in range(3):
        sums += [words[8 * n + 6] - PLAIN_BIAS, words[8 * n + 7] - PRODUCT_BIAS]
    return sums


def _plain_sums(ring, block):
    sums = [0] * 42
    for scan in range(8):
        now = 64 * block + 8 * scan
        quarter = 64 * ((block - 2) % RING_BLOCKS) + 8 * scan
        for slot in range(6):
            x, y = ring.a[now + slot] - 2048, ring.b[now + slot] - 2048
            for n, value in enumerate((x, y, x * x, y * y, x * y, (ring.a[quarter + slot] - 2048) * y)):
                sums[6 * slot + n] += value
        for n, value in enumerate((ring.a[now + 6], ring.a[now + 7], ring.b[now + 6])):
            sums[36 + 2 * n] += value - 2048
            sums[37 + 2 * n] += (value - 2048) ** 2
    return sums


def _plain_window(sums, hop, words):
    """Return the 42 means of the window over hops `hop - 1` and `hop`."""
    means = []
    for n in range(42):
        total = 0
        for k in range(HOP_BLOCKS):
            weight = words[HOP_WEIGHTS + k]
            total += weight * sums[((hop - 1) * HOP_BLOCKS + k) % RING_BLOCKS][n]
            total += (255 - weight) * sums[(hop * HOP_BLOCKS + k) % RING_BLOCKS][n]
        plain = n % 2 == 0 if n >= 36 else n % 6 < 2
        means.append(total * 1024 // 1275 if plain else (total + 637) // 1275)
    return means


def _plain_squares(ring, channel, rest):
    number = VOLTAGE_CHANNELS[channel]
    words = ring.a if number < 8 else ring.b
    return [
        sum([(words[64 * block + 8 * scan + number % 8] - rest) ** 2 for scan in range(8)])
        for block in range(RING_BLOCKS)
    ]


def _row_of_missing_samples():
    """References at the rail and samples just too small for them, until the row is cut off."""
    problems = []
    ring = Ring(2 * RING_BLOCKS)
    for at in range(len(ring.a)):
        ring.a[at] = TOP if at < len(ring.a) // 2 else 1023  # a quarter of the reference is 1023.75
    front = FrontEnd(ring, Calibration())
    words = front.memory.words
    for channel in range(9):
        front.levels.rest[channel] = 0
    front.watch.set_limits(defaults(), front.calibration)

    def row():
        return list(words[ROW : ROW + 3]) + list(words[ROW_SAMPLES : ROW_SAMPLES + 6])

    for number in range(8, 16):
        front.on_block(number)
        count = 8 * (number - 7)
        _compare(problems, "row", row(), [count] * 3 + [count * 1023] * 3 + [count * TOP] * 3)
    for phase in range(3):
        words[ROW + phase] = ROW_TOP - 8
    front.on_block(8 + 16)
    _compare(problems, "longest row", row(), [ROW_TOP] * 3 + [72 * 1023] * 3 + [72 * TOP] * 3)
    front.on_block(9 + 16)
    _compare(problems, "row that is cut off", row(), [ROW_TOP] * 3 + [0] * 6)
    return problems


def _transforms():
    """Plain sums whose signs follow the table, so that all products have the same one."""
    problems = []
    for part in (0, 16):
        for sign in (1, -1):
            memory, ring = Memory(), Ring(RING_BLOCKS)
            memory.set_ring(ring)
            phasors = Phasors(memory)
            words = memory.words
            table = list(words[CYCLE_TABLE : CYCLE_TABLE + 32])
            plain = [8 * TOP if sign * table[part + k] > 0 else 0 for k in range(16)]
            for k in range(16):
                for phase in range(3):
                    words[8 * phase] = plain[k]
                look(memory.address)
                if words[CYCLE_POSITION] & 7 == 0:
                    end_cycle(memory.address)
            wanted = [sum([(plain[k] - PLAIN_BIAS) * table[n + k] for k in range(16)]) for n in (0, 16)]
            while phasors.take():
                pass
            _compare(problems, "transform", phasors.values, wanted * 3)
            if max([abs(value) for value in wanted]) > 1 << 26:
                problems.append("transform: %s is beyond the bound" % wanted)
    return problems


def _judgement():
    """The largest levels, counters that are about to stop, and rows at the rail."""
    problems = []
    most = 64 * TOP * TOP
    for level, half, reason in (
        (0, 0, INTERRUPTION),
        (most, 0, INTERRUPTION),
        (most, most // 2, OVERVOLTAGE),
        (0, most // 2, UNDERVOLTAGE),
        (0, 2000000, DEEP_DIP),
    ):
        memory, watch = _watch(level, half)
        words = memory.words
        for phase in range(3):
            words[UNDER + phase] = words[OVER + phase] = COUNT_TOP - 1
        watch.arm()
        found = [watch.judge(COUNT_TOP), watch.trip_reason, watch.trip_phase]
        _compare(problems, "judgement", found, [1, reason, 1])
        wanted = [COUNT_TOP * (level == 0)] * 3 + [COUNT_TOP * (level == most)] * 3
        _compare(problems, "counters", words[UNDER : UNDER + 6], wanted)
    memory, watch = _watch(64 * 1177 * 1177, 32 * 1177 * 1177)  # 230 V
    words = memory.words
    words[GOOD_BLOCKS] = COUNT_TOP
    watch.judge(COUNT_TOP)
    _compare(problems, "good blocks", [watch.good_blocks, watch.bad()], [COUNT_TOP, (0, 0)])
    for samples, reason in ((ROW_TOP * TOP // 9, INTERRUPTION), (ROW_TOP * TOP // 9 + 1, DEEP_DIP)):
        for phase in range(3):
            words[ROW + phase] = ROW_TOP
            words[ROW_SAMPLES + phase] = samples
            words[ROW_REFERENCES + phase] = ROW_TOP * TOP
        watch.judge(1)
        _compare(problems, "full row", watch.bad(), (reason, 1))
    return problems


def _watch(level, half):
    memory = Memory()
    watch = Watch(memory)
    watch.set_limits(defaults(), Calibration())
    for phase in range(3):
        memory.words[LEVEL + phase] = level
        memory.words[HALF + phase] = half
    return memory, watch


def _numbers():
    """Block numbers and counts around their wraps."""
    problems = []
    front = FrontEnd(Ring(2 * RING_BLOCKS), Calibration())
    words = front.memory.words
    words[EXPECTED] = NUMBERS - 2
    words[BLOCKS_TAKEN] = 0x3FFFFFFE
    for number in (NUMBERS - 2, NUMBERS - 1, 0, 1):
        front.on_block(number)
    _compare(problems, "numbers at the wrap", [front.blocks, front.lost_blocks], [2, 0])
    words[LOST] = 0x3FFFFFFF
    front.on_block(1)  # all numbers but one are missing before it
    _compare(problems, "the most that can be lost", [front.lost_blocks], [NUMBERS - 2])
    return problems

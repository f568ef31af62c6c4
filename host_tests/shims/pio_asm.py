"""The PIO assembler of MicroPython's `rp2`, strict: what it would encode wrongly without a word fails here.

A program is a list as `rp2` makes it: instruction words, its place in each PIO (-1 where not loaded),
EXECCTRL, SHIFTCTRL, and the initial states of the out, set and side-set pins.
"""

from array import array

WORDS, OFFSETS, EXECCTRL, SHIFTCTRL, OUT_PINS, SET_PINS, SIDE_PINS = 0, 1, 4, 5, 6, 7, 8
FIELDS = 9
_SIDE_EN, _SIDE_PINDIR = 1 << 30, 1 << 29
_PIN_STATES = (0, 1, 2, 3)
_FLAGS = tuple(range(8)) + tuple(range(16, 24))  # from 16 on: relative to the state machine

# Names inside a program, with the values that `rp2` gives them. `irq` stands for the flags in `wait`.
_NAMES = {
    "gpio": 0,
    "pins": 0,
    "x": 1,
    "y": 2,
    "null": 3,
    "pindirs": 4,
    "pc": 5,
    "status": 5,
    "isr": 6,
    "osr": 7,
    "exec": 8,
    "invert": lambda source: source | 0x08,
    "reverse": lambda source: source | 0x10,
    "not_x": 1,
    "x_dec": 2,
    "not_y": 3,
    "y_dec": 4,
    "x_not_y": 5,
    "pin": 6,
    "not_osre": 7,
    "noblock": 0x01,
    "block": 0x21,
    "iffull": 0x40,
    "ifempty": 0x40,
    "clear": 0x40,
    "rel": lambda index: index | 0x10,
}
_DIRECTIVES = ("wrap_target", "wrap", "label")
_INSTRUCTIONS = ("word", "nop", "jmp", "wait", "in_", "out", "push", "pull", "mov", "irq", "set")


class PIOASMError(Exception):
    pass


def _pin_count(states, what, most):
    """Return how many pins `states` (None, one state, or a sequence of them) names."""
    if states is None:
        return 0
    states = (states,) if isinstance(states, int) else states
    assert isinstance(states, (tuple, list)), "%s must be a state or a tuple of states" % what
    for state in states:
        assert state in _PIN_STATES, "%s: %r is not a pin state" % (what, state)
    assert 0 < len(states) <= most, "%s: there can be at most %d pins" % (what, most)
    return len(states)


def _in(value, allowed, what):
    assert value in allowed, "%s cannot be %r" % (what, value)
    return value


class _Assembler:
    """Two passes over the function: the first finds the labels, the second makes the words."""

    def __init__(self, side_bits, side_optional):
        self.side_bits = side_bits  # without the enable bit
        self.side_optional = side_optional  # None: to be found out in the first pass
        self.labels = {}
        self.words = array("H")
        self.sided = 0
        self.first = True
        self.longest_delay = 0
        self.target = 0
        self.end = None

    def count(self):
        return len(self.words)

    def second_pass(self):
        if self.side_optional is None:
            self.side_optional = self.side_bits > 0 and self.sided != self.count()
        self.words = array("H")
        self.first = False
        self.longest_delay = 31 >> self._side_field()

    def _side_field(self):
        return self.side_bits + (1 if self.side_optional else 0)

    def __getitem__(self, cycles):
        return self.delay(cycles)

    def delay(self, cycles):
        if not self.first:
            if not 0 <= cycles <= self.longest_delay:
                raise PIOASMError("delay too large")
            self.words[-1] |= cycles << 8
        return self

    def side(self, value):
        self.sided += 1
        if not self.first:
            if self.side_bits == 0:
                raise PIOASMError("no sideset")
            if not 0 <= value < 1 << self.side_bits:
                raise PIOASMError("sideset too large")
            self.words[-1] |= (0x1000 if self.side_optional else 0) | value << 13 - self._side_field()
        return self

    def wrap_target(self):
        self.target = self.count()

    def wrap(self):
        assert self.count(), "wrap before the first instruction"
        self.end = self.count() - 1

    def label(self, label):
        if self.first:
            if label in self.labels:
                raise PIOASMError("duplicate label %s" % label)
            self.labels[label] = self.count()

    def word(self, instruction, label=None):
        target = 0
        if label is not None and not self.first:
            if label not in self.labels:
                raise PIOASMError("unknown label %s" % label)
            target = self.labels[label]
        self.words.append(instruction | target)
        return self

    def nop(self):
        return self.word(0xA042)

    def jmp(self, condition, label=None):
        if label is None:
            condition, label = 0, condition
        return self.word(_in(condition, range(8), "condition") << 5, label)

    def wait(self, polarity, source, index):
        source = {0: 0, 6: 1}.get(source, 2) if isinstance(source, int) else 2  # `irq` is a method here
        _in(index, range(32) if source < 2 else _FLAGS, "index")
        return self.word(0x2000 | _in(polarity, (0, 1), "polarity") << 7 | source << 5 | index)

    def in_(self, source, bits):
        if not 0 < bits <= 32:
            raise PIOASMError("invalid bit count %d" % bits)
        return self.word(0x4000 | _in(source, (0, 1, 2, 3, 6, 7), "source") << 5 | bits & 31)

    def out(self, to, bits):
        if not 0 < bits <= 32:
            raise PIOASMError("invalid bit count %d" % bits)
        to = _in(to, (0, 1, 2, 3, 4, 5, 6, 8), "destination")
        return self.word(0x6000 | (7 if to == 8 else to) << 5 | bits & 31)

    def push(self, how=0, also=0):
        return self._queue(0x8000, how | also)

    def pull(self, how=0, also=0):
        return self._queue(0x8080, how | also)

    def _queue(self, instruction, how):
        _in(how, (0, 0x01, 0x21, 0x40, 0x41, 0x61), "modifier")
        return self.word(instruction | how & 0x40 | (how & 0x20 if how & 1 else 0x20))

    def mov(self, to, source):
        to = _in(to, (0, 1, 2, 5, 6, 7, 8), "destination")
        _in(source & 7, (0, 1, 2, 3, 5, 6, 7), "source")
        return self.word(0xA000 | (4 if to == 8 else to) << 5 | _in(source, range(24), "source"))

    def irq(self, how, index=None):
        if index is None:
            how, index = 0, how
        _in(index, _FLAGS, "flag")
        return self.word(0xC000 | _in(how, (0, 0x01, 0x21, 0x40), "modifier") & 0x60 | index)

    def set(self, to, value):
        return self.word(0xE000 | _in(to, (0, 1, 2, 4), "destination") << 5 | _in(value, range(32), "value"))

    def names(self):
        names = dict(_NAMES)
        for name in _DIRECTIVES + _INSTRUCTIONS:
            names[name] = getattr(self, name)
        return names


def asm_pio(
    *,
    out_init=None,
    set_init=None,
    sideset_init=None,
    side_pindir=False,
    in_shiftdir=0,
    out_shiftdir=0,
    autopush=False,
    autopull=False,
    push_thresh=32,
    pull_thresh=32,
    fifo_join=0,
):
    _pin_count(out_init, "out_init", 32)
    _pin_count(set_init, "set_init", 5)
    side_bits = _pin_count(sideset_init, "sideset_init", 5)
    for thresh in (push_thresh, pull_thresh):
        assert 1 <= thresh <= 32, "a threshold is 1 to 32 bits"
    _in(fifo_join, (0, 1, 2), "fifo_join")
    shiftctrl = (
        fifo_join << 30
        | (pull_thresh & 31) << 25
        | (push_thresh & 31) << 20
        | _in(out_shiftdir, (0, 1), "out_shiftdir") << 19
        | _in(in_shiftdir, (0, 1), "in_shiftdir") << 18
        | bool(autopull) << 17
        | bool(autopush) << 16
    )

    def assemble(function):
        assembler = _Assembler(side_bits, None)
        there = function.__globals__
        before = dict(there)
        try:
            there.clear()
            for name, value in assembler.names().items():
                there[name] = value
            function()
            assembler.second_pass()
            function()
        finally:
            there.clear()
            there.update(before)
        assert assembler.count() > 0, "an empty program"
        end = assembler.count() - 1 if assembler.end is None else assembler.end
        assert assembler.target <= end, "wrap lies before wrap_target"
        execctrl = assembler.target << 7 | end << 12 | bool(side_pindir) << 29
        execctrl |= _SIDE_EN if assembler.side_optional else 0
        return [assembler.words, -1, -1, -1, execctrl, shiftctrl, out_init, set_init, sideset_init]

    return assemble


def asm_pio_encode(text, sideset_count, sideset_opt=False):
    """Return the word of one instruction; `sideset_count` includes the enable bit."""
    optional = bool(sideset_opt)
    assembler = _Assembler(sideset_count - optional, optional)
    assembler.first = False
    assembler.longest_delay = 31 >> sideset_count + optional  # `rp2` counts the enable bit twice here
    names = assembler.names()
    names["jmp"] = None  # as in `rp2`: there are no labels to jump to
    exec(text, names)
    if assembler.count() != 1:
        raise PIOASMError("expecting exactly 1 instruction")
    return assembler.words[0]

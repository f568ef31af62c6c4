"""The places in the interrupt's working memory: all files mean the same ones, and none overlap."""

import ast
import pathlib

import pytest

from firmware.acquire import layout
from firmware.measure import compare, kernel, levels, look, memory, phasor, window
from firmware.supervise import front_end, watch
from host_tests.unit import bounds, working

ROOT = pathlib.Path(__file__).parent.parent.parent
USERS = (compare, kernel, levels, look, phasor, window, front_end, watch)
BASES = (
    *("_SUMS", "_BLOCK", "_VOLTAGES", "_HISTORY", "_SPECTRUM"),
    *("_CYCLE_QUEUE", "_HOP_QUEUE", "_CYCLE_TABLE", "_HOP_WEIGHTS", "_PACKED"),
)
# Words of each place that has more than one, counted from its base.
LENGTHS = {
    "_SUMS": 48,
    "_REST": 9,
    "_LEVEL": 9,
    "_HISTORY": 3 * 48,
    "_SPECTRUM": 12,
    "_CYCLE_QUEUE": phasor._QUEUE * 6,
    "_HOP_QUEUE": window._QUEUE * window._HOP_WORDS,
    "_CYCLE_TABLE": 2 * phasor._POINTS,
    "_HOP_WEIGHTS": window._HOP_BLOCKS,
}
# Constants of other files that viper code repeats.
REPEATED = {
    "_NUMBERS": layout.NUMBERS,
    "_BLOCK_BYTES": 2 * layout.BLOCK_WORDS,
    "_PACKED_BYTES": layout.BLOCK_WORDS * 12 // 8,
    "_HOP_WORDS": window._HOP_WORDS,
    "_PHASE_WORDS": window._PHASE_WORDS,
    "_HOP_BLOCKS": window._HOP_BLOCKS,
    "_COUNT_TOP": watch._COUNT_TOP,
    "_V": kernel.X,
    "_VV": kernel.XX,
    "_U": 3 * kernel._SLOT_WORDS + kernel.X,
    "_UU": 3 * kernel._SLOT_WORDS + kernel.XX,
    "_B": kernel._B,
    "_BB": kernel._BB,
}


def _constants(module):
    """Return the names and values of a file's `_NAME = const(...)`."""
    found = {}
    for node in ast.parse(pathlib.Path(module.__file__).read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, call = node.targets[0].id, node.value
            if name.startswith("_") and isinstance(call, ast.Call) and ast.unparse(call.func) == "const":
                found[name] = ast.literal_eval(call.args[0])
    return found


MAP = _constants(memory)


def _places():
    """Return (first word, words, name) of every place; those between two bases count from the first."""
    base = 0
    for name, value in MAP.items():
        if name == "_WORDS":
            continue
        if name in BASES:
            base = value
        if name in ("_BLOCK", "_VOLTAGES", "_PACKED"):
            continue
        first = value if base == value else base + value
        yield first, LENGTHS.get(name, 3 if base == MAP["_VOLTAGES"] else 1), name


def test_no_two_places_overlap_and_all_are_inside():
    taken = {}
    for first, length, name in _places():
        for word in range(first, first + length):
            assert word not in taken, (name, taken.get(word))
            taken[word] = name
    assert max(taken) == MAP["_WORDS"] - 1 == len(memory.Memory().words) - 1
    assert len(taken) > 0.99 * MAP["_WORDS"], "nothing is forgotten in LENGTHS"


@pytest.mark.parametrize("module", USERS, ids=lambda module: module.__name__)
def test_what_is_repeated_is_the_same(module):
    checked = 0
    for name, value in _constants(module).items():
        if name in MAP:
            assert value == MAP[name], name
            checked += 1
        elif name in REPEATED:
            assert value == REPEATED[name], name
    assert checked > 2


@pytest.mark.parametrize("module", [working, bounds], ids=lambda module: module.__name__)
def test_the_tests_mean_the_same(module):
    wanted = {name.lstrip("_"): first for first, _length, name in _places()}
    for user in USERS:
        for name in (
            "HOP_WORDS",
            "HOP_BLOCKS",
            "QUEUE",
            "ROW_TOP",
            "COUNT_TOP",
            "PLAIN_BIAS",
            "PRODUCT_BIAS",
        ):
            if hasattr(user, "_" + name):
                wanted[name] = getattr(user, "_" + name)
    wanted.update(WEIGHT_TOP=255, BLOCKS_TAKEN=wanted["BLOCKS"])
    names = [name for name in dir(module) if name in wanted]
    assert {name: getattr(module, name) for name in names} == {name: wanted[name] for name in names}
    assert len(names) > 18


def test_places_in_the_order_of_the_windows():
    """window.py and look.py write out the order of the sums."""
    assert (kernel.X, kernel.Y, kernel.XX, kernel.YY, kernel.XY, kernel.QY) == (0, 1, 2, 3, 4, 5)
    assert (kernel._B, kernel._BB, kernel._SLOT_WORDS) == (6, 7, 8)
    assert (kernel.PAIR_SUMS, kernel.BACKUP_SUMS, kernel.SUMS) == (6, 36, 42)
    assert (kernel._PLAIN_BIAS, kernel._PRODUCT_BIAS) == (8 * 2048, 8 * 2048**2)
    assert window._PLAIN_TOTAL == window._HOP_BLOCKS * kernel._PLAIN_BIAS
    assert window._HOP_BLOCKS * kernel._PRODUCT_BIAS == 5 << 28
    assert layout.CYCLE_BLOCKS == 8 and layout.QUARTER_BLOCKS == 2

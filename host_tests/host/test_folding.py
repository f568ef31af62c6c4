"""Constants as numbers in what is compiled for a board: the same values, the same lines, nothing missing."""

import ast
import builtins
import importlib
import sys
import types

import pytest

from tools.flash import build, folding

_SHIMS = str(build.ROOT / "host_tests" / "shims")
_COLOURS = """from micropython import const

RED = const(1)
GREEN = const(RED << 4)  # a comment
BLUE = const(-(GREEN | RED))
NAME = const("a text")
_OWN = const(7)


def mix(a):
    return a + RED - _OWN
"""
_PAINTER = """from paint.colours import (
    BLUE,
    GREEN,
    mix,
)


def paint():
    from paint.colours import RED

    return (mix(RED), GREEN.bit_length(), BLUE + GREEN)
"""


def _run(sources):
    """Run the modules in the order given; return them by name."""
    sys.modules["micropython"] = const = types.ModuleType("micropython")
    const.const = lambda value: value  # type: ignore[attr-defined]
    sys.modules["paint"] = types.ModuleType("paint")
    for name, text in sources.items():
        sys.modules[name] = types.ModuleType(name)
        exec(text, sys.modules[name].__dict__)
    return {name: sys.modules[name] for name in sources}


@pytest.fixture
def paint():
    before = dict(sys.modules)
    yield {"paint.colours": _COLOURS, "paint.painter": _PAINTER}
    sys.modules.clear()
    sys.modules.update(before)


def test_the_same_is_computed_without_the_names(paint):
    assert _run(paint)["paint.painter"].paint() == (-5, 5, -1)
    folded = folding.fold(paint)
    modules = _run(folded)
    assert modules["paint.painter"].paint() == (-5, 5, -1)
    for name in ("RED", "GREEN", "BLUE", "_OWN"):
        assert not hasattr(modules["paint.colours"], name)
    assert modules["paint.colours"].NAME == "a text"
    for name, text in folded.items():
        assert text.count("\n") == paint[name].count("\n")
    assert "# a comment" in folded["paint.colours"]


@pytest.mark.parametrize(
    "other",
    [
        "import paint.colours\nx = paint.colours.RED\n",
        "from paint.colours import RED as SCARLET\n",
        "from paint.colours import RED\nRED = 5\n",
        "from paint.colours import RED\ndef f(RED):\n    return RED\n",
        "from paint.colours import RED\nfor RED in (1, 2):\n    pass\n",
        "from paint.colours import RED\ntry:\n    pass\nexcept ValueError as RED:\n    pass\n",
    ],
)
def test_a_name_that_is_used_as_more_than_a_number_stays(paint, other):
    folded = folding.fold(paint | {"paint.other": other})
    assert "RED = const(1)" in folded["paint.colours"]
    assert folded["paint.other"] == other
    assert "GREEN" not in folded["paint.painter"]


def test_what_something_else_imports_stays(paint):
    kept = folding.imported(["from paint.colours import RED, mix\n"])
    assert kept == {"RED", "mix"}
    folded = folding.fold(paint, kept)
    assert "RED = const(1)" in folded["paint.colours"] and "import RED" in folded["paint.painter"]


def test_a_script_takes_the_numbers_too(paint):
    script = "from paint.colours import GREEN, mix\nprint(mix(GREEN))\n"
    assert folding.fold_script(script, paint) == "from paint.colours import mix\nprint(mix((16)))\n"


def test_every_number_in_the_firmware_is_the_value_of_its_name(monkeypatch):
    monkeypatch.syspath_prepend(_SHIMS)
    importlib.import_module("thumb")  # in the place of what only the chip can load
    texts = build.dotted_sources()
    constants = folding.constants_of(texts)
    count = 0
    for module, values in constants.items():
        loaded = importlib.import_module(module)
        for name, value in values.items():
            assert getattr(loaded, name) == value, (module, name)
            count += 1
    assert count > 100 and constants["firmware.signals"]["ALL_COILS"] == 15


def test_no_module_of_the_firmware_lacks_a_name():
    for name, text in build.folded_sources().items():
        tree = ast.parse(text)
        bound = {"__name__", "ptr16", "ptr32", "ptr8", "uint"} | set(dir(builtins))
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                bound.add(node.id)
            elif isinstance(node, ast.arg):
                bound.add(node.arg)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                bound.add(node.name)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ExceptHandler) and node.name:
                bound.add(node.name)
        loaded = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        if not name.startswith(("firmware/hardware/pio_", "firmware/hardware/thumb")):  # assemblers
            assert loaded <= bound, (name, loaded - bound)


def test_no_import_of_a_constant_is_left():
    texts = build.dotted_sources()
    constants = folding.constants_of(texts, build.kept_names())
    for name, text in build.folded_sources().items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module in constants:
                left = {alias.name for alias in node.names} & set(constants[node.module])
                assert not left, (name, left)

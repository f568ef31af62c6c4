"""Every small change of the interlock's code is noticed by its exhaustive test."""

import ast
import copy
import pathlib

import pytest

from firmware.transfer import interlock
from host_tests.unit.interlock_rules import first_violation

SOURCE = pathlib.Path(interlock.__file__).read_text()

_COMPARISONS = {
    ast.Lt: (ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq),
    ast.Is: (ast.IsNot,),
}
_BITS = {ast.BitAnd: (ast.BitOr, ast.BitXor), ast.BitOr: (ast.BitAnd, ast.BitXor)}
_WORDS = {ast.And: (ast.Or,), ast.Or: (ast.And,)}
_NAMES = {
    "K_GRID": ("Q_ALL", "ALL_COILS"),
    "Q_ALL": ("K_GRID", "ALL_COILS"),
    "ALL_COILS": ("K_GRID", "Q_ALL"),
    "grid": ("backup", "wanted"),
    "backup": ("grid", "wanted"),
    "coils": ("not_open", "request"),
    "not_open": ("coils",),
    "request": ("permits",),
    "permits": ("request",),
    "grid_open_ms": ("backup_open_ms",),
    "backup_open_ms": ("grid_open_ms",),
    "wanted": ("request",),
}

# Mutants that behave the same for every input, with the reason. At present there is none.
EQUIVALENT: dict = {}


def _function(tree):
    return next(node for node in tree.body if isinstance(node, ast.FunctionDef))


def _replacements(node):
    """Yield functions that change a node of their own copy of the tree, with a name for the change."""
    if isinstance(node, ast.Compare):
        for other in _COMPARISONS[type(node.ops[0])]:
            yield other.__name__, lambda n, other=other: setattr(n, "ops", [other()])
    elif isinstance(node, ast.BinOp):
        for other in _BITS[type(node.op)]:
            yield other.__name__, lambda n, other=other: setattr(n, "op", other())
        yield "left only", lambda n: _become(n, n.left)
        yield "right only", lambda n: _become(n, n.right)
    elif isinstance(node, ast.BoolOp):
        for other in _WORDS[type(node.op)]:
            yield other.__name__, lambda n, other=other: setattr(n, "op", other())
        for place in range(len(node.values)):
            yield "without part %d" % place, lambda n, place=place: _drop(n, place)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        for other in (1, 2, 15):
            yield "constant %d" % other, lambda n, other=other: setattr(n, "value", other)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        for other in _NAMES.get(node.id, ()):
            yield "name " + other, lambda n, other=other: setattr(n, "id", other)
    elif isinstance(node, ast.If):
        yield "removed", lambda n: setattr(n, "test", ast.Constant(value=False))
        yield "always", lambda n: setattr(n, "test", ast.Constant(value=True))


def _drop(operation, place):
    """Leave one part of an and/or of two away."""
    _become(operation, operation.values[1 - place])


def _become(node, other):
    """Turn an operation into one of its operands."""
    node.__class__ = other.__class__
    node.__dict__.clear()
    node.__dict__.update(other.__dict__)


def _mutants():
    original = ast.parse(SOURCE)
    nodes = list(ast.walk(_function(original)))
    annotations = {id(n) for a in _function(original).args.args for n in ast.walk(a)}
    for index, node in enumerate(nodes):
        if id(node) in annotations or node is _function(original).returns:
            continue
        for number, (what, _) in enumerate(_replacements(node)):
            tree = copy.deepcopy(original)
            twin = list(ast.walk(_function(tree)))[index]
            before = ast.unparse(twin).split("\n")[0]
            list(_replacements(twin))[number][1](twin)
            ast.fix_missing_locations(tree)
            yield "line %d: %s -> %s" % (node.lineno, before, what), tree


MUTANTS = dict(_mutants())


def _permitted(tree):
    namespace = {}
    exec(compile(tree, "mutant", "exec"), namespace)
    return namespace["permitted"]


def test_the_original_survives():
    assert first_violation(_permitted(ast.parse(SOURCE))) == ""


def test_there_are_mutants_of_every_kind():
    assert len(MUTANTS) > 60
    for kind in ("LtE", "IsNot", "BitXor", "Or", "And", "removed", "constant", "name Q_ALL"):
        assert any(name.endswith(kind) or kind in name for name in MUTANTS), kind


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_killed(name):
    try:
        violation = first_violation(_permitted(MUTANTS[name]))
    except TypeError as error:  # the mutant takes no feedback for a number
        violation = str(error)
    if name in EQUIVALENT:
        assert violation == "", "no longer equivalent: take it off the list"
    else:
        assert violation, "nobody notices " + name

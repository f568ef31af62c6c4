"""Named constants become numbers before the firmware is compiled.

mpy-cross folds `const` only within a module, and only a name with an underscore vanishes. Every other one
is kept on the board: its name, an entry in its module and one in each module that imports it, and a search
in two tables whenever it is used. In the reference box that is 8 KB of memory that has nothing to tell.

Only the text between a name's first and last character changes, and import statements: line numbers in
tracebacks stay right.
"""

import ast
from collections.abc import Callable, Iterable, Mapping

from tools.flash.edits import Text

_OPERATIONS: dict[type, Callable[[int, int], int]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.LShift: lambda a, b: a << b,
    ast.RShift: lambda a, b: a >> b,
    ast.BitAnd: lambda a, b: a & b,
    ast.BitOr: lambda a, b: a | b,
}
_CONST = "const"


Constants = dict[str, dict[str, int]]  # by module and name


def fold(sources: Mapping[str, str], kept: frozenset[str] = frozenset()) -> dict[str, str]:
    """Return the `{module: text}` with every constant of a module, by `const` or in capitals, as a number.

    `kept` are names that something else imports. A name also stays where it is read as an attribute, or
    bound a second time in a module that has it; what is not whole numbers and + - * // << >> & | stays too.
    Raises SyntaxError, with the module as its file name.
    """
    trees = {module: ast.parse(text, module) for module, text in sources.items()}
    constants = _constants(trees, kept)
    return {module: _rewritten(sources[module], tree, module, constants) for module, tree in trees.items()}


def fold_script(text: str, sources: Mapping[str, str], kept: frozenset[str] = frozenset()) -> str:
    """Return a script that imports from the modules `sources`, with the same constants as numbers."""
    trees = {module: ast.parse(source, module) for module, source in sources.items()}
    constants = _constants(trees, kept) | {"": {}}
    return _rewritten(text, ast.parse(text), "", constants)


def constants_of(sources: Mapping[str, str], kept: frozenset[str] = frozenset()) -> Constants:
    """Return the constants that `fold` replaces."""
    return _constants({module: ast.parse(text, module) for module, text in sources.items()}, kept)


def _constants(trees: Mapping[str, ast.Module], kept: frozenset[str]) -> Constants:
    kept = kept.union(*(_wanted(tree) for tree in trees.values()))
    constants: Constants = {}

    def find(module: str) -> dict[str, int]:
        """Those made in a module: after those that it imports."""
        if module not in constants:
            constants[module] = {}
            known: dict[str, int] = {}
            for node in trees[module].body:
                if isinstance(node, ast.ImportFrom) and node.module and node.module in trees:
                    theirs = find(node.module)
                    known |= {name.name: theirs[name.name] for name in node.names if name.name in theirs}
            constants[module] = _made(trees[module], known, kept)
        return constants[module]

    for module in trees:
        find(module)
    return constants


def _wanted(tree: ast.Module) -> set[str]:
    """Return the names that a module reads as attributes, or imports under another name or binds again."""
    bound = _times_bound(tree)
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names if alias.asname or bound[alias.name] != 1}
    return names


def imported(texts: Iterable[str]) -> frozenset[str]:
    """Return every name that one of the sources imports from somewhere."""
    nodes = [node for text in texts for node in ast.walk(ast.parse(text))]
    return frozenset(alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names)


def _made(tree: ast.Module, known: Mapping[str, int], kept: frozenset[str]) -> dict[str, int]:
    """Return the constants of a module by name. `known` are those that it imports."""
    values = dict(known)
    made = {}
    bound = _times_bound(tree)
    for statement in tree.body:
        name = _const_name(statement)
        if name and bound[name] == 1:
            assert isinstance(statement, ast.Assign)
            value = _value(_expression(statement), values)
            if value is not None:
                values[name] = value
                if name not in kept:
                    made[name] = value
    return made


def _const_name(statement: ast.stmt) -> str:
    """Return X for a statement `X = const(...)` or `X = ...` in capitals, or an empty string."""
    if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
        return ""
    name = statement.targets[0].id
    return name if name.isupper() or _expression(statement) is not statement.value else ""


def _expression(statement: ast.Assign) -> ast.expr:
    """Return what is assigned, without the `const` around it."""
    value = statement.value
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == _CONST:
        return value.args[0]
    return value


def _times_bound(tree: ast.Module) -> dict[str, int]:
    """Return how often each name is bound anywhere in a module."""
    times: dict[str, int] = {}
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names = [node.id]
        elif isinstance(node, ast.arg):
            names = [node.arg]
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.asname or alias.name for alias in node.names]
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names = [node.name]
        for name in names:
            times[name] = times.get(name, 0) + 1
    return times


def _value(node: ast.expr, known: Mapping[str, int]) -> int | None:
    """Return what an expression of whole numbers comes to, None for any other."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _value(node.operand, known)
        return None if value is None else -value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _value(node.left, known), _value(node.right, known)
        if left is not None and right is not None:
            return _OPERATIONS[type(node.op)](left, right)
    return None


def _rewritten(text: str, tree: ast.Module, module: str, constants: Constants) -> str:
    """Return the text of a module with numbers for what it makes and imports."""
    values = dict(constants[module])
    edits: list[tuple[ast.AST, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in constants:
            theirs = constants[node.module]
            values |= {alias.name: theirs[alias.name] for alias in node.names if alias.name in theirs}
            stay = [alias for alias in node.names if alias.name not in theirs]
            if len(stay) < len(node.names):
                left = ast.ImportFrom(node.module, stay, node.level)
                edits.append((node, ast.unparse(left) if stay else "pass"))
    definitions = [statement for statement in tree.body if _const_name(statement) in constants[module]]
    gone = {node for definition in definitions for node in ast.walk(definition)}
    edits += [(definition, "pass") for definition in definitions]
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in values and node not in gone:
            edits.append((node, f"({values[node.id]})"))
    return _edited(text, edits)


def _edited(text: str, edits: list[tuple[ast.AST, str]]) -> str:
    """Return the text with each node's own text replaced; as many lines as before."""
    content = Text(text)
    for node, replacement in edits:
        assert isinstance(node, ast.expr | ast.stmt) and node.end_lineno and node.end_col_offset is not None
        begin, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
        content.replace(begin, end, replacement, node.id if isinstance(node, ast.Name) else "")
    return content.edited()

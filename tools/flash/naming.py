"""Names of our own become short ones that the modules share, before the firmware is compiled.

Each name that the board meets for the first time is kept there for ever: 6 bytes of a table, its text and a
byte more, and the tables grow by doubling. But a name means something only where it is bound: names that are
never bound in the same module can be one and the same.

The rule, for the whole firmware at once:

- A name is bound in a module that has it as anything but an attribute (variable, argument, function, class),
  or that assigns it to `self`. Modules whose classes inherit from each other count as one.
- Two names may become the same only where no module binds both. So every scope tells its names apart, and
  so does every object: all that is its own comes from one module.
- A name is renamed in all places of all modules alike, so it does not matter who uses it.

What is no name of our own stays, and what is reached in ways that the rule does not see: `_spoken`,
`_unbound` and `_foreign` say what that is. What would make the rule unsound is refused: NamingError says what
and where.

Only names change, and no line moves: what a traceback says of a line stays right, and `told` finds out from
it which function is meant.
"""

import ast
import io
import itertools
import keyword
import re
import string
import tokenize
from collections.abc import Iterable, Iterator, Mapping

from tools.flash.edits import Text

Names = dict[str, str]  # old to new

_SELF = "self"
# Ways to a name by its text. A constant text is seen, and kept; others must have been looked at.
_BY_TEXT = ("getattr", "setattr", "hasattr", "delattr", "__import__")
_BY_ANYTHING = ("eval", "exec", "globals", "locals", "vars", "dir")
# What they reach is one of the texts of a table, as a whole, or a part of the name of a module.
_LOOKED_AT = (
    "getattr(box, row[5])",
    "delattr(sys.modules[package], last)",
    "__import__('firmware.hardware.board_' + BOARD, None, None, ('PINS',))",
)
_TRACED = re.compile(r'File "(?P<module>[\w.]+)", line (?P<line>\d+), in (?P<name>\w+)')


class NamingError(ValueError):
    """A module does what names cannot be shortened with; the text says what and where."""


def names(sources: Mapping[str, str], kept: Iterable[str] = ()) -> Names:
    """Return the new names of the `{module: text}`. `kept` are names that something else uses or knows.

    Raises NamingError, and SyntaxError with the module as its file name.
    """
    modules = {name: _Module(name, text) for name, text in sorted(sources.items())}
    for module in modules.values():
        _refuse(module)
    fixed = set(kept) | set(keyword.kwlist) | {_SELF, "_"}
    group = _groups(modules, fixed)
    fixed |= _spoken(modules) | _unbound(modules) | _foreign(modules)
    homes: dict[str, set[str]] = {}  # of each name: where it is bound
    for name, module in modules.items():
        for bound in module.plain | module.assigned:
            homes.setdefault(bound, set()).add(group[name])
    costly = set().union(*(module.costly for module in modules.values()))
    wanted = {name for name in costly - fixed if name in homes and not name.startswith("__")}
    taken = fixed.union(*(module.words for module in modules.values()))
    return _shared({name: homes[name] for name in wanted}, taken)


def renamed(text: str, new: Names) -> str:
    """Return a text with new names. Raises NamingError where two of its names would become the same."""
    module = _Module("", text)
    _check(module.plain | module.assigned, new)
    content = Text(text)
    for token, _plain in _name_tokens(text):
        if token.string in new:
            content.replace(*_places(text, token), new[token.string], token.string)
    return content.edited()


def renamed_script(text: str, new: Names) -> str:
    """Return a script for a board with the firmware's new names; its own variables keep theirs.

    Attributes, keywords, what its classes have, and what it imports, which it goes on calling as before.
    Raises NamingError where two names of its objects would become the same.
    """
    script = _Module("", text)
    of_classes = [part for node in script.classes for whole in node.body for part in _outside(whole)]
    _check({*_bound(of_classes), *script.assigned}, new)
    content = Text(text)
    for token, plain in _name_tokens(text):
        if not plain and token.string in new:
            content.replace(*_places(text, token), new[token.string], token.string)
    for node in script.nodes:
        name, column, more = "", 0, ""
        if isinstance(node, ast.alias):
            name, more = node.name, "" if node.asname else f" as {node.name}"
        elif isinstance(node, ast.keyword):
            name = node.arg or ""
        elif isinstance(node, ast.FunctionDef) and node in of_classes:
            name, column = node.name, len("def ")
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) and node in of_classes:
            name = node.id
        if name in new:
            assert isinstance(node, ast.alias | ast.keyword | ast.stmt | ast.expr)
            line, begin = node.lineno, node.col_offset + column
            content.replace((line, begin), (line, begin + len(name.encode())), new[name] + more, name)
    return content.edited()


def _check(together: set[str], new: Names) -> None:
    old: Names = {}
    for name in sorted(together):
        other = old.setdefault(new.get(name, name), name)
        if other != name:
            raise NamingError(f"{other} and {name} would both be {new.get(name, name)}")


def _places(text: str, token: tokenize.TokenInfo) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return begin and end of a token, in bytes."""
    (line, first), (_line, last) = token.start, token.end
    before = token.line if "\n" not in token.line[:-1] else text.splitlines(keepends=True)[line - 1]
    return (line, len(before[:first].encode())), (line, len(before[:last].encode()))


def told(line: str, sources: Mapping[str, str], new: Names) -> str:
    """Return a line of a traceback with the name that the function has in the sources.

    Any other line stays, and so does a name that no function at the place has that is told.
    """
    place = _TRACED.search(line)
    if place is None or place["module"] not in sources:
        return line
    number = int(place["line"])
    found = [
        node.name
        for node in ast.walk(ast.parse(sources[place["module"]]))  # the inner ones come last
        if isinstance(node, ast.FunctionDef)
        and node.lineno <= number <= (node.end_lineno or 0)
        and new.get(node.name, node.name) == place["name"]
    ]
    return line[: place.start("name")] + (found or [place["name"]])[-1] + line[place.end("name") :]


def used(text: str) -> set[str]:
    """Return the names by which a script may mean something of the firmware: all but its own variables."""
    script = _Module("", text)
    imported = {part for node in script.nodes if isinstance(node, ast.alias) for part in node.name.split(".")}
    return imported | script.attributes | _unbound({"": script}) | _spoken({"": script})


class _Module:
    """A module, and what it does with which names."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        tree = ast.parse(text, name)
        self.body = tree.body
        self.nodes = list(ast.walk(tree))
        tokens = list(_name_tokens(text))
        self.words = {token.string for token, _plain in tokens}
        self.plain = {token.string for token, plain in tokens if plain}  # as more than an attribute
        self.bound = set(_bound(self.nodes))  # as a variable, argument, function, class or by an import
        self.attributes = {node.attr for node in self.nodes if isinstance(node, ast.Attribute)}
        self.functions = [node for node in self.nodes if isinstance(node, ast.FunctionDef)]
        self.classes = [node for node in self.nodes if isinstance(node, ast.ClassDef)]
        self.calls = [node for node in self.nodes if isinstance(node, ast.Call)]
        # What the module or one of its classes has as an attribute, besides what is assigned to it.
        bodies = [node.body for node in self.nodes if isinstance(node, ast.Module | ast.ClassDef)]
        self.owned = {name for body in bodies for part in body for name in _bound(_outside(part))}
        self.owned |= {name for node in self.nodes if isinstance(node, ast.Global) for name in node.names}
        self.costly = self.attributes | self.owned  # what the board keeps the text of
        self.costly |= {node.arg for node in self.nodes if isinstance(node, ast.arg)}
        self.costly |= {function.name for function in self.functions}
        self.assigned: set[str] = set()  # to self
        self.from_outside: list[ast.Attribute] = []  # assigned to anything else
        # `x.a += 1` needs an attribute that is there: it makes none.
        adding = [node.target for node in self.nodes if isinstance(node, ast.AugAssign)]
        for node in self.nodes:
            if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load) and node not in adding:
                if isinstance(node.value, ast.Name) and node.value.id == _SELF:
                    self.assigned.add(node.attr)
                else:
                    self.from_outside.append(node)

    def where(self, node: ast.AST) -> str:
        """Return the place of a node, for a reader."""
        return f"{self.name}, line {getattr(node, 'lineno', 0)}"


def _name_tokens(text: str) -> Iterator[tuple[tokenize.TokenInfo, bool]]:
    """Give each name of a text, and whether it is more than an attribute or a later part of a module."""
    before = ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
            yield token, before != "."
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            before = token.string


def _bound(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Give the names that some nodes bind."""
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


def _outside(node: ast.AST) -> Iterator[ast.AST]:
    """Give the nodes of a statement, but not what is within a function or class that it makes."""
    yield node
    if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.comprehension):
        for part in ast.iter_child_nodes(node):
            yield from _outside(part)


def _last(node: ast.expr) -> str:
    """Return the last name of what is called or inherited from."""
    return node.attr if isinstance(node, ast.Attribute) else ast.unparse(node)


def _refuse(module: _Module) -> None:
    """Raise NamingError for what the rule cannot see through."""
    methods = [part for node in module.classes for part in node.body if isinstance(part, ast.FunctionDef)]
    firsts = [method.args.args[0] for method in methods if method.args.args]
    by_text = {call.func: call for call in module.calls if _last(call.func) in _BY_TEXT}
    for node in module.nodes:
        reason = ""
        if isinstance(node, ast.arg) and node.arg == _SELF and node not in firsts:
            reason = "self is not the first argument of a method"
        elif isinstance(node, ast.Name) and node.id == _SELF and not isinstance(node.ctx, ast.Load):
            reason = "self is bound anew"
        elif isinstance(node, ast.Attribute) and node.attr == "__dict__":
            reason = "__dict__ reaches names by their texts"
        elif isinstance(node, ast.Name) and node.id in _BY_ANYTHING:
            reason = f"{node.id} reaches any name"
        elif isinstance(node, ast.Name) and node.id == "AttributeError":
            reason = "it must not matter whether there is an attribute"
        elif isinstance(node, ast.Name) and node.id in _BY_TEXT:
            call = by_text.get(node)
            if call is None or not (_by_constant(call) or ast.unparse(call) in _LOOKED_AT):
                reason = f"{ast.unparse(call or node)} reaches a name by a text that nobody has looked at"
        elif isinstance(node, ast.AsyncFunctionDef | ast.Match | ast.JoinedStr):
            reason = f"{type(node).__name__} is more than naming.py knows"
        if reason:
            raise NamingError(f"{module.where(node)}: {reason}")


def _by_constant(call: ast.Call) -> bool:
    return len(call.args) > 1 and isinstance(call.args[1], ast.Constant)


def _groups(modules: Mapping[str, _Module], known: set[str]) -> dict[str, str]:
    """Return the group of each module: those with a class and one that it inherits from are in the same."""
    group = {name: name for name in modules}
    homes: dict[str, list[str]] = {}
    for name, module in modules.items():
        for node in module.classes:
            homes.setdefault(node.name, []).append(name)
    for name, module in modules.items():
        for node in module.classes:
            for base in node.bases:
                if _last(base) not in homes and _last(base) not in known:
                    raise NamingError(f"{module.where(node)}: nothing is known of {ast.unparse(base)}")
                for home in homes.get(_last(base), []):
                    joined = (group[home], group[name])
                    group = {one: min(joined) if its in joined else its for one, its in group.items()}
    return group


def _spoken(modules: Mapping[str, _Module]) -> set[str]:
    """Return the names that are known by their texts as well.

    Those given as keywords, and the arguments of what is called with `**`, because its keys may come from a
    file; those that are a whole string; exceptions, whose names are told when something goes wrong.
    """
    found = _exceptions(modules)
    spread: dict[str, str] = {}  # what is called with **, and where
    for module in modules.values():
        found |= {node.arg for node in module.nodes if isinstance(node, ast.keyword) and node.arg}
        texts = [node.value for node in module.nodes if isinstance(node, ast.Constant)]
        found |= {text for text in texts if isinstance(text, str)}
        for call in module.calls:
            if any(given.arg is None for given in call.keywords):
                spread[_last(call.func)] = module.where(call)
    for module in modules.values():
        for function in module.functions:
            if function.name in spread:
                found |= {part.arg for part in ast.walk(function.args) if isinstance(part, ast.arg)}
    functions = {function.name for module in modules.values() for function in module.functions}
    for name, place in spread.items():
        if name not in functions:
            raise NamingError(f"{place}: there is no function {name} to be called with **")
    return found


def _exceptions(modules: Mapping[str, _Module]) -> set[str]:
    """Return the classes that inherit, on some way, from one that is not ours."""
    classes = [node for module in modules.values() for node in module.classes]
    ours = {node.name for node in classes}
    for _ in classes:
        ours -= {node.name for node in classes if any(_last(base) not in ours for base in node.bases)}
    return {node.name for node in classes} - ours


def _unbound(modules: Mapping[str, _Module]) -> set[str]:
    """Return the names that come from somewhere else, wherever they are bound besides.

    Variables that a module does not bind (built-in ones, the PIO assembler's), and attributes that no module
    and no class of ours has.
    """
    found: set[str] = set()
    ours = set().union(*(module.owned | module.assigned for module in modules.values()))
    for module in modules.values():
        found |= {node.id for node in module.nodes if isinstance(node, ast.Name)} - module.bound
        found |= module.attributes - ours
    return found


def _foreign(modules: Mapping[str, _Module]) -> set[str]:
    """Return the names that belong to something else as well.

    Modules, and what is imported from any but these; what is assigned to an object from outside, where
    nothing tells which module has that object's other names (see `_replaces`); what is made by `const`,
    because a first letter `_` makes it vanish; the arguments of functions in assembler, which are registers.
    """
    found = {part for name in modules for part in name.split(".")}
    for module in modules.values():
        found |= {node.attr for node in module.from_outside if not _replaces(node, module, modules)}
        for node in module.nodes:
            if isinstance(node, ast.ImportFrom):
                found |= set((node.module or "").split("."))
            if isinstance(node, ast.Import | ast.ImportFrom):
                ours = isinstance(node, ast.ImportFrom) and node.module in modules
                for alias in node.names:
                    if not ours or alias.asname:
                        found |= {*alias.name.split("."), alias.asname or ""}
            elif isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("const("):
                found |= set(_bound(node.targets))
            elif isinstance(node, ast.FunctionDef) and any(
                _last(decorator).startswith("asm_") for decorator in node.decorator_list
            ):
                found |= {part.arg for part in ast.walk(node.args) if isinstance(part, ast.arg)}
    return found


def _replaces(node: ast.Attribute, where: _Module, modules: Mapping[str, _Module]) -> bool:
    """Return whether it is assigned to a module of ours that has it, `module.name`, or to a class in one."""
    path = ast.unparse(node).split(".")
    imports = [part for part in where.nodes if isinstance(part, ast.ImportFrom)]
    from_there = {alias.name: f"{part.module}.{alias.name}" for part in imports for alias in part.names}
    whole = from_there.get(path[0], "")
    if whole not in modules or list(_bound(where.nodes)).count(path[0]) != 1:
        return False
    body = modules[whole].body
    for name in path[1:-1]:
        inner = [part for part in body if isinstance(part, ast.ClassDef) and part.name == name]
        if len(inner) != 1:
            return False
        body = inner[0].body
    return node.attr in {name for part in body for name in _bound(_outside(part))}


def _shared(homes: Mapping[str, set[str]], taken: set[str]) -> Names:
    """Return new names, of two letters or three: for each the first that no home of the old one has yet."""
    letters = [itertools.product(string.ascii_lowercase, repeat=count) for count in (2, 3)]
    fresh = (name for name in map("".join, itertools.chain(*letters)) if name not in taken)
    new: Names = {}
    busy: dict[str, set[str]] = {}  # new names, and their homes
    for name in sorted(homes, key=lambda name: (-len(homes[name]), name)):
        short = next((one for one, there in busy.items() if not there & homes[name]), "") or next(fresh)
        busy.setdefault(short, set()).update(homes[name])
        new[name] = short
    return new

"""What the firmware can still call once its start is over, by the names that its sources use.

A name alone means what its module has or imports under it. An attribute means everything of that name that
there is: `x.load()` calls every `load`.
"""

import ast
import dataclasses
import pathlib
from collections.abc import Iterable

ROOT = pathlib.Path(__file__).parent.parent.parent
CONSTRUCTOR = "__init__"


@dataclasses.dataclass
class Code:
    """A function, a method, or the top level of a module (without a name)."""

    module: str
    owner: str  # the class, or ""
    name: str
    calls: set[str] = dataclasses.field(default_factory=set)  # names that it calls at once
    values: set[str] = dataclasses.field(default_factory=set)  # and that it uses in any other way
    imports: set[str] = dataclasses.field(default_factory=set)

    @property
    def place(self) -> str:
        """Module and name with dots, as `firmware.box.Box.step`."""
        return ".".join(part for part in (self.module, self.owner, self.name) if part)

    @property
    def called(self) -> set[str]:
        """The names by which it may be called: as an attribute, and from a module that has its name."""
        constructed = self.name == CONSTRUCTOR
        key = self.owner if constructed else self.name
        return {key, self.place.removesuffix("." + CONSTRUCTOR)} if constructed or not self.owner else {key}


def sources(root: pathlib.Path = ROOT) -> dict[str, str]:
    """Return the text of each module that the board has, main.py too, by its name with dots."""
    paths = [root / "main.py", *sorted((root / "firmware").rglob("*.py"))]
    return {".".join(path.relative_to(root).with_suffix("").parts): path.read_text() for path in paths}


def meanings(tree: ast.AST, module: str = "") -> dict[str, str]:
    """Return what the names mean that a module imports, and with its name those that it defines too."""
    means = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            means |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif module and isinstance(node, ast.FunctionDef | ast.ClassDef):
            means[node.name] = f"{module}.{node.name}"
    return means


def codes(texts: dict[str, str]) -> list[Code]:
    """Return all code of these modules."""
    return [code for module, text in texts.items() for code in _Reader(module, text).found]


class _Reader:
    """Takes the code of one module apart."""

    def __init__(self, module: str, text: str) -> None:
        tree = ast.parse(text)
        self._module = module
        self._means = meanings(tree, module)
        self._top = Code(module, "", "")
        self.found = [self._top]
        for statement in tree.body:
            if isinstance(statement, ast.ClassDef):
                for outside in [*statement.bases, *statement.decorator_list]:
                    self._note(outside, self._top)
                for part in statement.body:
                    self._take(part, statement.name)
            else:
                self._take(statement, "")

    def _take(self, statement: ast.stmt, owner: str) -> None:
        if not isinstance(statement, ast.FunctionDef):
            self._note(statement, self._top)
            return
        code = Code(self._module, owner, statement.name)
        self.found.append(code)
        for outside in [*statement.decorator_list, *statement.args.defaults]:
            self._note(outside, self._top)
        if any("asm_pio" in ast.unparse(decorator) for decorator in statement.decorator_list):
            return  # instructions of a state machine, assembled at import
        for inside in statement.body:
            self._note(inside, code)

    def _note(self, node: ast.AST, code: Code) -> None:
        """Note the names that a statement uses. A text that is a name counts: it may go to `getattr`."""
        called = set()
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call):
                called.add(inner.func)
            elif isinstance(inner, ast.ImportFrom) and inner.module:
                code.imports |= {inner.module} | {f"{inner.module}.{alias.name}" for alias in inner.names}
            elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                code.values.add(inner.value)
        for inner in ast.walk(node):
            names = code.calls if inner in called else code.values
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
                names.add(self._means.get(inner.id, ""))
            elif isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Load):
                names.add(inner.attr)


def reachable(texts: dict[str, str], roots: Iterable[str], over: Iterable[str]) -> list[Code]:
    """Return what code can run from `roots` on, where nobody calls what is `over` (places) any more.

    What start code only calls is not reached by that; what it keeps (a handler, a function in a table) is.
    """
    everything = codes(texts)
    roots, over = set(roots), set(over)
    assert roots | over <= {code.place for code in everything}
    reached = {code.place: code for code in everything if code.place in roots}
    kept = set().union(*(code.values for code in everything))
    while True:
        names = kept.union(*(code.calls for code in reached.values()))
        modules = set().union(*(code.imports for code in reached.values()))
        more = {
            code.place: code
            for code in everything
            if (code.called & names if code.name else code.module in modules)
            and code.place not in reached
            and code.place not in over
        }
        if not more:
            return list(reached.values())
        reached |= more

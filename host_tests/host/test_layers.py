"""One way through the firmware: who may import whom, who may touch hardware and the clock."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent
FIRMWARE = ROOT / "firmware"
MODULES = sorted(path.relative_to(ROOT) for path in FIRMWARE.rglob("*.py"))

# Each package and what it may import besides itself and the common modules below.
ALLOWED = {
    "acquire": set(),
    "measure": {"acquire"},
    "supervise": {"acquire", "measure"},
    "transfer": {"acquire", "measure", "supervise"},
    "shed": {"acquire", "measure", "supervise"},
    "publish": {"acquire", "measure", "supervise", "transfer", "shed", "store"},
    "store": set(),
    "hardware": {"acquire"},  # a sampler fills the blocks that acquire/ lays out
}
COMMON = {"signals", "ticks"}
BUILDERS = {
    "app",
    "box",
    "collector",
    "console",
    "keeping",
    "safe_mode",
    "start_only",
    "upkeep",
}  # these alone know all
SILICON = {"machine", "rp2", "esp32"}
CLOCKS = {"time", "utime", "asyncio", "uasyncio", "threading", "_thread"}
OUTSIDE = {"tools", "host_tests", "main"}
TYPING_ONLY = {"collections", "typing"}


def _tree(module):
    return ast.parse((ROOT / module).read_text())


def _imports(tree):
    """Yield the dotted name of everything imported, at any depth; `from firmware import x` is firmware.x."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import in line %d" % node.lineno
            if node.module == "firmware":
                yield from ("firmware." + alias.name for alias in node.names)
            else:
                yield node.module


def _room(module):
    """Return the package of a module, or its own name where it lies in firmware/ itself."""
    return module.parts[1] if len(module.parts) > 2 else module.stem


def _rooms_imported(tree):
    return {name.split(".")[1] for name in _imports(tree) if name.startswith("firmware.")}


def _tops_imported(tree):
    return {name.split(".")[0] for name in _imports(tree)}


def _violations(room, tree):
    """Return the rooms that a module in `room` must not import."""
    if room in BUILDERS:
        return set()
    if room in COMMON:
        return _rooms_imported(tree)
    return _rooms_imported(tree) - ALLOWED[room] - {room} - COMMON


def test_every_package_has_its_place():
    rooms = {_room(module) for module in MODULES} - {"__init__"}
    assert rooms == set(ALLOWED) | COMMON | BUILDERS
    assert len(MODULES) > 40


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_point_to_the_left(module):
    if module.name == "__init__.py" and len(module.parts) == 2:
        assert not list(_imports(_tree(module)))
        return
    assert _violations(_room(module), _tree(module)) == set()


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_only_hardware_touches_the_chip(module):
    if _room(module) != "hardware":
        assert not _tops_imported(_tree(module)) & (SILICON | {"boot"})


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_nothing_depends_on_the_host(module):
    assert not _tops_imported(_tree(module)) & OUTSIDE


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_only_app_and_hardware_read_a_clock(module):
    if _room(module) not in {"app", "hardware"}:
        assert not _tops_imported(_tree(module)) & CLOCKS
        names = {n.attr for n in ast.walk(_tree(module)) if isinstance(n, ast.Attribute)}
        allowed = (
            {"ticks_us"} if _room(module) in {"box", "safe_mode", "start_only", "upkeep"} else set()
        )  # the board's
        assert not names & {"ticks_ms", "ticks_us", "ticks_cpu", "sleep", "sleep_ms", "sleep_us"} - allowed


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_exceptions_are_named_and_asserts_are_no_checks(module):
    for node in ast.walk(_tree(module)):
        assert not isinstance(node, ast.Assert), "an assert vanishes at -O1: line %d" % node.lineno
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, "bare except in line %d" % node.lineno
            catches = ast.unparse(node.type)
            if _room(module) != "app":
                assert "Exception" not in catches.replace("(", ",").split(","), "line %d" % node.lineno


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_what_the_board_lacks_is_imported_for_the_type_checker_only(module):
    tree = _tree(module)
    guarded = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            guarded |= {id(inner) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and id(node) not in guarded:
            top = (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
            assert top not in {"typing", "dataclasses", "enum", "abc", "collections"}, node.lineno


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_no_work_at_import(module):
    """Top level holds definitions and values; a call builds a constant, never an object that acts."""
    for node in _tree(module).body:
        assert not isinstance(node, (ast.For, ast.While, ast.With, ast.Try)), node.lineno
        if isinstance(node, ast.Expr):
            assert isinstance(node.value, ast.Constant), "a call at import in line %d" % node.lineno


def test_only_the_gate_and_the_last_handler_write_coils():
    writers = {
        str(module)
        for module in MODULES
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "write"
        and ast.unparse(node.func.value).split(".")[-1] in ("driver", "coils", "_coils")
    }
    assert writers == {"firmware/transfer/gate.py", "firmware/app.py", "firmware/safe_mode.py"}


def test_the_interlock_is_pure():
    tree = _tree(pathlib.Path("firmware/transfer/interlock.py"))
    assert set(_imports(tree)) == {"firmware.signals"}
    impure = (ast.Global, ast.Nonlocal, ast.ClassDef, ast.Call)
    assert not [node for node in ast.walk(tree) if isinstance(node, impure)]


def test_only_the_gate_asks_the_interlock():
    askers = [str(m) for m in MODULES if "firmware.transfer.interlock" in _imports(_tree(m))]
    assert askers == ["firmware/transfer/gate.py"]


def test_boot_knows_the_pins_only_and_main_the_app_only():
    assert set(_imports(_tree(pathlib.Path("boot.py")))) <= {"machine"}
    loaded = {name for name in _imports(_tree(pathlib.Path("main.py"))) if name.startswith("firmware")}
    assert loaded == {"firmware.app", "firmware.hardware.last_words"}


@pytest.mark.parametrize(
    ("room", "source", "bad"),
    [
        ("measure", "from firmware.supervise.watch import Watch", {"supervise"}),
        ("transfer", "def f():\n    from firmware.shed import policy", {"shed"}),
        ("shed", "import firmware.transfer.gate", {"transfer"}),
        ("store", "from firmware.acquire.layout import SLOTS", {"acquire"}),
        ("hardware", "from firmware import box", {"box"}),
        ("signals", "from firmware.ticks import diff", {"ticks"}),
        ("supervise", "from firmware.measure.levels import Levels", set()),
        ("box", "from firmware.publish.modbus import ModbusSlave", set()),
    ],
)
def test_the_rule_finds_a_wrong_way(room, source, bad):
    assert _violations(room, ast.parse(source)) == bad

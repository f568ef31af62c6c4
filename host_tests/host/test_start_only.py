"""What is let go after the start is never called again: no path of names leads from the loop to it."""

import ast

import pytest

from host_tests.host.reachable import CONSTRUCTOR, codes, meanings, reachable, sources

TEXTS = sources()
OURS = "firmware.start_only"
DRIVERS = "firmware.hardware.on_rp2"
# What goes on when there is a board, and when there is a box; and what has been called for good by then.
ENDS = ("_answer", "_stop", "_tell")
GOES_ON = {
    "board": (["run", "loop", *ENDS], ["find_board"]),
    "box": (["loop", "_turn", *ENDS], ["run", "_build"]),
}
AFTER_ALL = ["main.start", "main.restart_later"]  # main.py has its last words where app.py fails


def running(stage, texts=TEXTS):
    """Return the code that can run after a stage of the start. The lists themselves call nothing."""
    roots, over = [[f"firmware.app.{name}" for name in names] for names in GOES_ON[stage]]
    texts = {module: text for module, text in texts.items() if module != OURS}
    lines = texts[DRIVERS].splitlines()
    texts[DRIVERS] = "\n".join(line for line in lines if not line.startswith("_MADE_ONCE = "))
    return reachable(texts, roots + AFTER_ALL, over)


def forgotten(text):
    """Return the places that `forget_start` lets go: constructors of classes, and what becomes None."""
    tree = ast.parse(text)
    modules = meanings(tree)

    def place(node):
        first, _, rest = ast.unparse(node).partition(".")
        return f"{modules[first]}.{rest}"

    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "forget_making":
            found += [f"{place(made_once)}.{CONSTRUCTOR}" for made_once in node.args[0].elts]
        elif isinstance(node, ast.Assign):
            assert ast.unparse(node.value) == "None"
            found += [place(target) for target in node.targets]
    return found


def made_once():
    """Return the constructors of drivers that a Pico's board lets go."""
    tree = ast.parse(TEXTS[DRIVERS])
    modules = meanings(tree)
    rows = [node.value for node in tree.body if ast.unparse(node).startswith("_MADE_ONCE")]
    names = [name.id for name in rows[0].elts] + ["Mcp3208Sampler", "AdcSampler", "SyntheticSampler"]
    return [f"{modules[name]}.{CONSTRUCTOR}" for name in names]


def needed(places, stage, texts=TEXTS):
    """Return which of these places a running box can still come to."""
    left = running(stage, texts)
    whole = {code.place: code for code in codes(texts)}
    reached = {code.place for code in left}
    used = set().union(*(code.calls | code.values for code in left))
    bad = []
    for place in places:
        if place in whole:
            bad += [place] * (place in reached)
        else:  # a name that a module has imported
            module, _, name = place.rpartition(".")
            bad += [place] * (meanings(ast.parse(texts[module]))[name] in used)
    return bad


def test_a_running_box_needs_nothing_that_was_let_go():
    places = forgotten(TEXTS[OURS])
    assert len(places) > 50 and len(set(places)) == len(places)
    assert needed(places, "box") == []


def test_when_there_is_a_board_no_driver_is_made_again():
    places = made_once()
    assert len(places) == 12
    assert needed(places, "board") == []


def test_everything_that_is_let_go_is_there():
    places = {code.place for code in codes(TEXTS)}
    for place in forgotten(TEXTS[OURS]) + made_once():
        module, _, name = place.rpartition(".")
        imported = module in TEXTS and name in meanings(ast.parse(TEXTS[module]))
        assert place in places or imported, place


def test_every_constructor_of_the_start_is_let_go():
    """All but those of modules that are let go whole, and of what is another way to end."""
    whole = ("firmware.safe_mode", "firmware.hardware.")
    left = {code.place for code in running("box")}
    over = {
        code.place
        for code in codes(TEXTS)
        if code.name == CONSTRUCTOR and code.place not in left and not code.module.startswith(whole)
    }
    assert over - set(forgotten(TEXTS[OURS])) == set()


def test_who_else_has_a_function_lets_it_go_too():
    """Imported by name, it is held by each module that did so."""
    places = forgotten(TEXTS[OURS])
    for module, text in TEXTS.items():
        for name, meant in meanings(ast.parse(text)).items():
            if meant in places and module not in (OURS, "firmware.safe_mode"):
                assert f"{module}.{name}" in places, (module, meant)


def test_the_start_is_over_before_the_loop():
    """`_build` is called once, and `forget_start` behind it; neither in a loop."""
    functions = {
        node.name: node for node in ast.parse(TEXTS["firmware.app"]).body if isinstance(node, ast.FunctionDef)
    }
    order = [ast.unparse(statement) for statement in functions["_turn"].body]
    built, gone, turning = [
        [n for n, text in enumerate(order) if part in text]
        for part in ("_build(", "forget_start()", "while ")
    ]
    assert len(built) == len(gone) == len(turning) == 1 and built < gone < turning
    assert order[turning[0]].startswith("while True:")
    text = TEXTS["firmware.app"]
    assert (
        text.count("_build(") == 2
        and text.count("find_board()") == 2
        and text.count("loop(board, True)") == 1
    )
    assert not [node for node in ast.walk(functions["run"]) if isinstance(node, ast.For | ast.While)]


@pytest.mark.parametrize(
    ("addition", "place"),
    [
        ("from firmware.measure.meter import Meter\n    Meter()", "measure.meter.Meter.__init__"),
        ("from firmware.measure.meter import Meter as Made\n    Made()", "measure.meter.Meter.__init__"),
        ("from firmware.measure import meter\n    meter.Meter()", "measure.meter.Meter.__init__"),
        ("box.made = [log.EventLog]", "publish.events.EventLog.__init__"),
        ("box._keeping.load_energy()", "keeping.Keeping.load_energy"),
        ("getattr(box._keeping, 'load_energy')()", "store.kept.Kept.load_energy"),
        (
            "from firmware.store.settings import defaults\n    box.change(defaults())",
            "store.settings.defaults",
        ),
        ("import firmware.store.settings as known\n    known.defaults()", "store.settings.defaults"),
        ("from firmware.safe_mode import stay\n    stay(box.board)", "measure.energy.Energy.__init__"),
    ],
)
def test_the_rule_finds_a_call(addition, place):
    """A call that somebody adds to the running box is found, also behind another function."""
    texts = dict(TEXTS)
    texts["firmware.console"] += f"\n\ndef _again(box):\n    {addition}\n"
    before = '    if words[0] == "help":\n'
    assert before in texts["firmware.console"]
    texts["firmware.console"] = texts["firmware.console"].replace(before, before + "        _again(box)\n")
    assert needed(["firmware." + place], "box", texts) == ["firmware." + place]


def test_the_rule_finds_what_is_kept():
    """A method that the start only stores is called later."""
    reached = {code.place for code in running("box")}
    assert "firmware.transfer.machine.Machine._on_grid" in reached  # by `_handlers`
    assert "firmware.publish.display._overview" in reached  # by a table
    assert "firmware.supervise.front_end._nothing" in reached
    assert "firmware.publish.sdm630.Sdm630.__init__" in reached  # made when a commit asks for it
    assert "firmware.publish.meter_image.MeterImage.__init__" in reached
    assert "firmware.hardware.lcd.Lcd.__init__" in reached  # by the last words
    assert "firmware.hardware.sampling_rp2.RingDma.run" in reached
    assert "firmware.console.answer" in reached

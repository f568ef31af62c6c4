"""The image that the suite runs on: without one this is skipped with the reason, the other files left out."""

import pytest

from tools.emulator import image
from tools.flash import interpreter

try:
    PATH = image.find()
except image.ImageError as error:
    pytest.skip(str(error), allow_module_level=True)


def test_it_is_of_a_micropython_that_is_new_enough():
    assert image.version(image.load(PATH)) >= image.LEAST


def test_the_names_that_the_interpreter_has_are_all_listed():
    """What it has and the list lacks would be taken for a name of ours (tools/flash/naming.py)."""
    found = interpreter.names_in(image.load(PATH))
    assert {"append", "__init__", "Pin", "asm_pio", "wrap_target"} <= found
    assert found <= interpreter.known(), sorted(found - interpreter.known())

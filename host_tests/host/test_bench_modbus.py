"""The comparison of Modbus slaves measures real replies, and says in one line what is wrong with a slave."""

import sys

import pytest

from tools import bench_modbus, micropython_host
from tools.bench_chip import fetch
from tools.bench_chip.turnaround import STREAMS
from tools.bench_modbus import Figures

COMMAND = micropython_host.find()
ON_MICROPYTHON = [COMMAND or "", "-X", "heapsize=4m"]
needs_micropython = pytest.mark.skipif(COMMAND is None, reason="no MicroPython for this machine")


@pytest.fixture(autouse=True)
def few_requests(monkeypatch):
    monkeypatch.setattr(bench_modbus, "_ROUNDS", 1)
    monkeypatch.setattr(bench_modbus, "_TIMED", 5)
    monkeypatch.setattr(bench_modbus, "_COUNTED", 3)


def check(figures, bytes_allocated):
    (gap_us,), (rate,), (call_us,) = figures.gaps_us, figures.rates, figures.calls_us
    assert 0 < call_us < 1e6 and gap_us < 1e6
    assert 0 < rate < 1 / bench_modbus._SILENCE_S, "a request a silence at most"
    assert bytes_allocated(figures.allocated) and figures.heap > 1000


@needs_micropython
@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_the_box_is_measured(stream):
    figures = Figures()
    bench_modbus.measure(ON_MICROPYTHON, "box", stream, "", figures)
    check(figures, lambda count: count == 0)


@needs_micropython
def test_the_peer_is_measured():
    try:
        folder = fetch.fetch().parent
    except fetch.PeerError as error:
        pytest.skip(str(error))
    for stream in (STREAMS[0], STREAMS[3]):
        figures = Figures()
        bench_modbus.measure(ON_MICROPYTHON, "peer", stream, str(folder), figures)
        check(figures, lambda count: count > 0)


@needs_micropython
def test_the_whole_table_without_a_peer(monkeypatch, capsys):
    def cannot():
        raise fetch.PeerError("no network")

    monkeypatch.setattr(fetch, "fetch", cannot)
    assert bench_modbus.main() == 0
    said = capsys.readouterr()
    assert "FC16 x10: bytes allocated a request" in said.out and "skipped, no network" in said.out
    assert not said.err


def test_without_micropython_it_is_skipped_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(micropython_host, "find", lambda: None)
    assert bench_modbus.main() == 0
    assert (
        capsys.readouterr().out
        == "Modbus beside its peer: skipped, there is no MicroPython for this machine\n"
    )


def failed_in_one_line(monkeypatch, capsys, command):
    def cannot():
        raise fetch.PeerError("no network")

    monkeypatch.setattr(fetch, "fetch", cannot)
    monkeypatch.setattr(micropython_host, "find", lambda: command)
    assert bench_modbus.main() == 1
    said = capsys.readouterr()
    assert not said.out and said.err.count("\n") == 1 and said.err.startswith("bench_modbus: "), said
    return said.err


def test_a_slave_that_ends_is_told(monkeypatch, capsys):
    assert "it ended" in failed_in_one_line(monkeypatch, capsys, "/bin/false")


def test_an_interpreter_that_is_not_there_is_told(monkeypatch, capsys):
    assert "/no/such" in failed_in_one_line(monkeypatch, capsys, "/no/such/interpreter")


SLAVE = """
import os, sys
line = os.open(sys.argv[-2], os.O_RDWR | os.O_NOCTTY)
print("ready", flush=True)
while True:
    if os.read(line, 256):
        os.write(line, bytes.fromhex(REPLY))
"""


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("0103020001aaaa", "not the reply"),  # a wrong CRC
        ("0203020001" + "fd84", "not the reply"),  # of another unit
        ("0183027130", "no whole reply"),  # an exception, shorter than a reply
        ("01030400010001" + "6a33", "not the reply"),  # more than was asked for
        ("", "no whole reply"),
    ],
)
def test_a_slave_that_answers_wrongly_is_told(monkeypatch, capsys, tmp_path, reply, said):
    monkeypatch.setattr(bench_modbus, "_PATIENCE_S", 1.0)
    script = tmp_path / "slave.py"
    script.write_text(SLAVE.replace("REPLY", repr(reply)))
    command = tmp_path / "interpreter"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$@"\n')
    command.chmod(0o755)
    assert said in failed_in_one_line(monkeypatch, capsys, str(command))

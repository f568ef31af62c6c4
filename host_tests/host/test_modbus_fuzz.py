"""A million random and mutated frames on CPython, 100,000 on MicroPython, and streams with any gaps.

host_tests/unit/modbus_fuzz.py makes the frames and judges what comes of them. A failure names the frame;
its seed finds it again. With LONG=1 in the environment the million is ten, with other seeds.
"""

import os
import random
import re
import subprocess

import pytest

from firmware.box import Box
from firmware.hardware.rtu_timing import silence_us
from host_tests.unit.modbus_fuzz import FUNCTIONS, UNITS, DirectPort, Fuzz
from host_tests.unit.modbus_line import Line, diagnose, read_request
from host_tests.unit.test_app import TurningBoard
from tools import micropython_host

FRAMES = 250000
SEEDS = 40 if os.environ.get("LONG") else 4
ON_MICROPYTHON = 100000
ON_A_WHOLE_BOX = 10000
GROWTH = 2000  # bytes: what happens to be kept differs by several hundred; a leak would be kilobytes


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_frame_gets_what_it_deserves(seed):
    fuzz = Fuzz(seed)
    fuzz.run(FRAMES)
    assert fuzz.frames == FRAMES
    assert min(fuzz.executed[function] for function in FUNCTIONS) > FRAMES // 200, "frames that show nothing"
    assert fuzz.refused > FRAMES // 4 and fuzz.wrote > FRAMES // 8 and fuzz.port.configured > 100


@pytest.mark.skipif(micropython_host.find() is None, reason="no MicroPython for this machine")
def test_the_same_on_micropython_where_nothing_may_be_left_behind():
    done = subprocess.run(
        [
            micropython_host.find(),
            *("-X", "heapsize=4m", "host_tests/unit/modbus_fuzz.py"),
            *(str(ON_MICROPYTHON), "7"),
        ],
        cwd=micropython_host.ROOT,
        env=micropython_host.environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"after %d frames .*\ngrown by (-?\d+) answered (\d+)" % ON_MICROPYTHON, done.stdout)
    assert found, done.stdout
    assert int(found[1]) < GROWTH and int(found[2]) > ON_MICROPYTHON // 3, done.stdout


@pytest.mark.parametrize("seed", range(8))
def test_frames_with_any_gaps_between_them_never_stop_the_slave(seed):
    """Glued, split and apart, on a line with times: a good request after it all is answered."""
    frames = Fuzz(seed)
    chance = random.Random(seed)
    for _ in range(250):
        line = Line(chance.choice((9600, 115200)))
        for _ in range(chance.randrange(12)):
            piece = frames.next_frame()
            if chance.random() < 0.3:
                piece = piece[: chance.randrange(len(piece) + 1)]
            if piece:
                line.port.hear(piece, line.now_us)
            gap = silence_us(line.slave.baud)
            line.wait(chance.choice((0, chance.randrange(gap), gap - 1, gap, gap + 1, 3 * gap, 100000)))
        for _ in range(3):  # the last frame, its reply, a change of baud rate after that
            line.wait(3000000)
        line.ask(diagnose(1, 0, unit=line.slave.unit_address))  # it may have been told to listen only
        reply = line.ask(read_request(4, 0, 8, line.slave.unit_address))
        assert reply is not None and reply[3:17] == b"BackupBox_PLUS", seed


def test_no_frame_upsets_a_whole_box():
    """The real box around the slave, its flash and its transfers too; a second between two frames."""
    board = TurningBoard(10**9, KeyboardInterrupt())
    board.port = port = DirectPort()
    box = Box(board)
    assert box.change({key: address for address, key in enumerate(UNITS, 1)}) == ""
    frames = Fuzz(11)
    frames.box, frames.service, frames.slave = box, box.slave._service, box.slave

    def ask(frame):
        port.sent = None
        if frame:
            port.heard.append(frame)
        box.step(board.ticks_us())
        box.uptime_ms += 1000
        return port.sent

    answers = 0
    for n in range(ON_A_WHOLE_BOX):
        frames._running = box.settings
        answers += ask(frames.next_frame()) is not None
        if n % 100 == 0:
            ask(diagnose(1, 0, unit=box.settings["unit_address"]))
            reply = ask(read_request(4, 0, 8, box.settings["unit_address"]))
            assert reply is not None and reply[3:17] == b"BackupBox_PLUS", n
    assert answers > ON_A_WHOLE_BOX // 2

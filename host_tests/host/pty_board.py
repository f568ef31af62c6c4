"""A board on a pseudo-terminal: its console as far as mpremote uses it, a real MicroPython behind it.

Code runs on the host's MicroPython, in whose `os` and `open` a folder of the test is the root; `sys` says
what board it is. Nothing else can be touched from there.
"""

import os
import pathlib
import pty
import select
import subprocess
import threading
import tty

from tools import micropython_host

_CTRL_A, _CTRL_B, _CTRL_C, _CTRL_D, _CTRL_E = b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"
_RAW = b"raw REPL; CTRL-B to exit\r\n>"

_DRIVER = """
import builtins, io, os, sys

root = %(root)r

class FakeSys: pass
class Implementation: pass
board_sys = FakeSys()
board_sys.stdin = sys.stdin
board_sys.platform = %(platform)r
board_sys.implementation = Implementation()
board_sys.implementation.version = %(version)r
board_sys.implementation._machine = %(machine)r
board_sys.implementation._mpy = %(mpy)d
sys.modules["sys"] = board_sys

def at(path):
    assert path[0] == "/" and ".." not in path, path
    return root + path

class BoardOs:
    def ilistdir(self, path): return os.ilistdir(at(path))
    def stat(self, path): return os.stat(at(path))
    def mkdir(self, path): return os.mkdir(at(path))
    def rmdir(self, path): return os.rmdir(at(path))
    def remove(self, path): return os.remove(at(path))
    def rename(self, old, new): return os.rename(at(old), at(new))
    def statvfs(self, path): return (4096, 4096, 352, %(free_blocks)d, 0, 0, 0, 0, 0, 255)
sys.modules["os"] = BoardOs()

host_open = builtins.open
builtins.open = lambda path, mode="r": host_open(at(path), mode)

class Registers:
    def __setitem__(self, address, bits):
        assert (address, bits) == (0x4005B000, 1 << 30), "not the watchdog's enable bit"
class Machine:
    mem32 = Registers()
sys.modules["machine"] = Machine()

names = {"__name__": "__main__"}
while True:
    size = int.from_bytes(sys.stdin.buffer.read(4), "little")
    code = sys.stdin.buffer.read(size)
    if len(code) < size or not size:
        break
    said = io.StringIO()
    try:
        exec(code, names)
    except Exception as error:
        sys.print_exception(error, said)
    sys.stdout.buffer.write(b"\\x04" + said.getvalue().encode() + b"\\x04")
"""


class PtyBoard:
    """A board at `port`, with `folder` as its file system; a context manager.

    `deaf_to` interrupts go by without effect, as from a board that is just restarting. `says` is what it
    prints once when it starts, `answers` what it says to a line while it runs a box (None: it runs none).
    """

    def __init__(
        self,
        folder: pathlib.Path,
        platform: str = "rp2",
        machine: str = "Raspberry Pi Pico with RP2040",
        version: tuple = (1, 28, 0, ""),
        mpy: int = 0x1306,
        free_blocks: int = 300,
        deaf_to: int = 0,
        says: bytes = b"",
        answers: bytes | None = None,
    ) -> None:
        self.folder = folder
        self.resets = 0
        self.soft_resets = 0
        self.interrupts = 0
        self.heard = b""  # what a running box was told
        self._values = {
            "root": str(folder),
            "platform": platform,
            "machine": machine,
            "version": version,
            "mpy": mpy,
            "free_blocks": free_blocks,
        }
        self._deaf_to = deaf_to
        self._says = says
        self._answers = answers
        self._state = "running" if answers is not None else "friendly"
        self._line = b""
        self._waiting = says  # as the USB stack keeps it until somebody opens the port
        self._driver: subprocess.Popen | None = None

    def __enter__(self):
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._stop_reader, self._stop_writer = os.pipe()
        self._start_driver()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_exception):
        os.write(self._stop_writer, b"x")
        self._thread.join()
        self._end_driver()
        for fd in (self._master, self._slave, self._stop_reader, self._stop_writer):
            os.close(fd)

    def _serve(self):
        while True:
            ready, _, _ = select.select([self._master, self._stop_reader], [], [])
            if self._stop_reader in ready:
                return
            for value in os.read(self._master, 4096):
                self._take(bytes((value,)))

    def _say(self, text):
        os.write(self._master, text)

    def _take(self, byte):
        if self._waiting:
            waiting, self._waiting = self._waiting, b""
            self._say(waiting)
        getattr(self, "_" + self._state)(byte)

    def _running(self, byte):
        """A box that runs: lines get its answer, Ctrl-C ends it."""
        if byte == _CTRL_C:
            self.interrupts += 1
            if self.interrupts > self._deaf_to:
                self._state = "friendly"
                self._say(b"backup box: stopped at the console\r\n>>> ")
            return
        self.heard += byte
        if byte == b"\r":
            self._say(self._answers)

    def _friendly(self, byte):
        if byte == _CTRL_A:
            self._state, self._line = "raw", b""
            self._say(_RAW)
        elif byte == _CTRL_C:
            self.interrupts += 1
            self._line = b""
            self._say(b"\r\n>>> ")
        elif byte == b"\r":
            self._say(self._line + b"\r\n" + (b"NameError\r\n" if self._line else b"") + b">>> ")
            self._line = b""
        else:
            self._line += byte

    def _raw(self, byte):
        if byte == _CTRL_C:
            self._line = b""
        elif byte == _CTRL_A:
            self._line = b""
            self._say(_RAW)
        elif byte == _CTRL_B:
            self._state = "friendly"
            self._say(b"\r\n>>> ")
        elif self._line == _CTRL_E and byte == b"A":
            self._line = b"\x05A"
        elif self._line == b"\x05A" and byte == b"\x01":
            self._line = b""
            self._say(b"R\x00")  # understood, not offered
        elif byte == _CTRL_D:
            code, self._line = self._line, b""
            if code:
                self._execute(code)
            else:
                self.soft_resets += 1
                self._end_driver()
                self._start_driver()
                self._say(b"OK\r\nMPY: soft reboot\r\n" + _RAW)
        else:
            self._line += byte

    def _execute(self, code):
        self._say(b"OK")
        if b"machine.reset()" in code:
            self.resets += 1
            self._end_driver()
            self._start_driver()
            self._state = "running" if self._answers is not None else "friendly"
            self._waiting = self._says
            return
        self._driver.stdin.write(len(code).to_bytes(4, "little") + code)
        self._driver.stdin.flush()
        self._pass_on()
        self._say(b">")

    def _pass_on(self):
        """Carry bytes both ways until the code has ended: its output, EOT, its error, EOT."""
        endings = 0
        while endings < 2:
            ready, _, _ = select.select([self._master, self._driver.stdout, self._stop_reader], [], [])
            if self._stop_reader in ready:
                return
            if self._master in ready:
                self._driver.stdin.write(os.read(self._master, 4096))
                self._driver.stdin.flush()
            if self._driver.stdout in ready:
                said = os.read(self._driver.stdout.fileno(), 4096)
                assert said, "the driver has ended"
                endings += said.count(b"\x04")
                self._say(said.replace(b"\n", b"\r\n"))

    def _start_driver(self):
        self._driver = subprocess.Popen(
            [micropython_host.find(), "-c", _DRIVER % self._values],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def _end_driver(self):
        self._driver.stdin.close()
        self._driver.stdout.close()
        self._driver.wait()

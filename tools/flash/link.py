"""A board's console over mpremote's serial transport: stop what runs there, run code, restart it."""

import contextlib
import errno
import io
import os
import struct
import termios
import time
from collections.abc import Iterator

import serial
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport
from serial.tools import list_ports

PATIENCE_S = 10.0  # a board that says nothing for so long does not answer
_APPEAR_S = 2.0  # a board that restarts over and over is gone from the bus for about so long
_LEAVE_S = 1.0
_LOOK_S = 0.1

# A Ctrl-C may be lost: one that comes in the middle of an interrupt of the program ends only that. Three
# attempts fit into the 512 bytes that a board which is not listening takes.
_ATTEMPTS = 3
_STOPPED = b"OK\x04\x04>"

# MicroPython has no way to stop the watchdog, but the RP2040 has: the enable bit of its control register
# (datasheet 4.7; the alias at +0x3000 clears the bits written). The box feeds the watchdog; once it is
# stopped, nobody does, and the board would restart in the middle of whatever comes next.
_STOP_WATCHDOG = (
    b"import sys,machine\nif 'RP2040' in sys.implementation._machine:machine.mem32[0x4005B000]=1<<30\n"
)


class LinkError(Exception):
    """The board cannot be reached or did not do what was asked; the text says why and what to do."""


class ScriptError(LinkError):
    """Code that ran on the board ended with an exception; the text is its last line."""


class Link:
    """A board at its raw REPL, nothing running, every coil off, no watchdog. Made by `connect`."""

    def __init__(self, port: str, transport: SerialTransport, patience_s: float) -> None:
        self.port = port
        self._transport = transport
        self._patience_s = patience_s

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def run(self, code: str, feed: bytes = b"", patience_s: float | None = None) -> str:
        """Run code on the board and return what it printed.

        `feed` goes to its stdin once it runs. Raises ScriptError, and LinkError when the board is silent
        for `patience_s` or lost.
        """
        with _explained(self.port):
            self._transport.exec_raw_no_follow(code)
            if feed:
                self._transport.serial.write(feed)
            printed, failed = self._transport.follow(patience_s or self._patience_s)
        if failed:
            raise ScriptError(f"the board says: {failed.decode().strip().splitlines()[-1]}")
        return printed.decode().replace("\r\n", "\n")

    def reset(self) -> None:
        """Reset the chip, which starts the box as at power-up, and close the port.

        Returns when the board has left the bus, or has had the time to.
        """
        # Whatever runs is interrupted; the board is gone before it could confirm.
        with contextlib.suppress(OSError):
            self._transport.serial.write(b"\r\x03\r\x01import machine\nmachine.reset()\n\x04")
            self._transport.serial.flush()
        self.close()
        deadline = time.monotonic() + _LEAVE_S
        while os.path.exists(self.port) and time.monotonic() < deadline:
            time.sleep(0.02)

    def leave(self, code: str, patience_s: float | None = None) -> bool:
        """Run code that makes the board restart by itself, and close the port; return whether it did restart.

        A board that restarts leaves the bus, or is heard from again: an Enter gets a prompt from a board
        without a box, and a box speaks by itself. Raises LinkError.
        """
        with _explained(self.port):
            self._transport.exec_raw_no_follow(code)
        deadline = time.monotonic() + (patience_s or self._patience_s)
        try:
            while time.monotonic() < deadline:
                if self._transport.serial.inWaiting() or not os.path.exists(self.port):
                    return True
                self._transport.serial.write(b"\r")
                time.sleep(0.1)
        except OSError:
            return True
        finally:
            self.close()
        return False

    def close(self) -> None:
        """Close the port; the board stays where it is."""
        with contextlib.suppress(OSError):
            self._transport.close()


def connect(port: str, patience_s: float = PATIENCE_S) -> Link:
    """Stop what runs on the board at `port` and return the link to it. Raises LinkError.

    A board that restarts over and over is caught in one of its runs: its port may come and go meanwhile.
    """
    deadline = time.monotonic() + 3 * patience_s
    while True:
        transport = _open(port, patience_s)
        try:
            with _explained(port):
                _stop(transport, patience_s)
            return Link(port, transport, patience_s)
        except LinkError:
            with contextlib.suppress(OSError):
                transport.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _stop(transport: SerialTransport, patience_s: float) -> None:
    """Interrupt what runs, stop the watchdog, and begin anew without main.py."""
    transport.serial.timeout = _LOOK_S  # on a pseudo-terminal mpremote waits inside a read
    for _ in range(_ATTEMPTS):
        # In one go, without waiting for answers: little time is left when the board restarts over and over.
        transport.serial.write(b"\r\x03\x03\r\x01" + _STOP_WATCHDOG + b"\x04")
        wait_s = patience_s / _ATTEMPTS
        seen = transport.read_until(1, _STOPPED, timeout=wait_s, timeout_overall=wait_s)
        if seen.endswith(_STOPPED):
            break
    else:
        raise TransportError("no raw REPL")
    transport.serial.timeout = patience_s
    # The soft reset frees the memory, ends DMA and its interrupts, and runs boot.py, not main.py.
    with contextlib.redirect_stdout(io.StringIO()):  # mpremote prints what it did not expect
        transport.enter_raw_repl(soft_reset=True, timeout_overall=patience_s)


def open_console(port: str, patience_s: float, appear_s: float = _APPEAR_S) -> serial.Serial:
    """Open the port, sending nothing. It may take `appear_s` to appear. Raises LinkError with the reason."""
    deadline = time.monotonic() + appear_s
    while True:
        try:
            return serial.serial_for_url(
                port, baudrate=115200, timeout=0.1, write_timeout=patience_s, exclusive=True
            )
        except (OSError, ValueError) as error:  # a SerialException is an OSError
            reason = _port_trouble(port, error)
            if time.monotonic() > deadline or not _may_appear(error):
                raise LinkError(reason) from None
            time.sleep(0.1)


def _open(port: str, patience_s: float) -> SerialTransport:
    open_console(port, patience_s).close()  # mpremote does not say why it cannot open a port
    try:
        transport = SerialTransport(port, timeout=patience_s)
    except (TransportError, OSError):
        raise LinkError(f"port {port}: it could not be opened twice; is another program using it?") from None
    transport.serial.write_timeout = patience_s
    return transport


@contextlib.contextmanager
def _explained(port: str) -> Iterator[None]:
    """Turn what mpremote and pyserial raise into LinkError."""
    try:
        yield
    except (TransportError, serial.SerialTimeoutException, struct.error):
        raise LinkError(
            f"port {port}: the board does not answer. Is it a Pico with MicroPython? Unplug it and plug it "
            "in again; if that does not help, install MicroPython anew (docs/flashing.md)"
        ) from None
    except OSError as error:
        raise LinkError(f"port {port}: the connection was lost ({error})") from None


def _may_appear(error: Exception) -> bool:
    return _number(error) in (errno.ENOENT, errno.ENXIO, errno.EIO)


def _number(error: BaseException | None) -> int | None:
    """Return the errno of what pyserial raised, or of what made it raise that."""
    while error is not None:
        if getattr(error, "errno", None):
            return error.errno  # type: ignore[attr-defined]
        if isinstance(error, termios.error):
            return error.args[0]
        error = error.__context__
    return None


def _port_trouble(port: str, error: Exception) -> str:
    """Return why a port cannot be opened, and what to do."""
    number = _number(error)
    if number in (errno.ENOENT, errno.ENXIO):
        return f"port {port}: there is no such port; {_ports()}"
    if number == errno.EACCES:
        return (
            f"port {port}: you may not open it; on Linux: sudo usermod -a -G dialout $USER, then log in again"
        )
    if number in (errno.EBUSY, errno.EAGAIN):
        return f"port {port}: another program is using it (a terminal, mpremote, a running make log?)"
    if number in (errno.ENOTTY, errno.EINVAL, errno.EISDIR):
        return f"port {port}: it is not a serial port; {_ports()}"
    return f"port {port}: {error}"


def say_which_port(target: str) -> str:
    """Return what to do when no port was given."""
    return f"say which port, as in: make {target} PORT=/dev/ttyACM0; {_ports()}"


def _ports() -> str:
    found = [f"{info.device} ({info.description})" for info in list_ports.comports() if info.vid is not None]
    return "ports with a USB device: " + ", ".join(found) if found else "no USB serial device is plugged in"

"""The measurements: each boots a board of its own and returns its figures, so that two can run at once."""

import struct
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware.hardware.flash import FlashStorage
from firmware.store.kept import Kept
from firmware.store.settings import defaults
from tools.bench_chip import fetch, outages
from tools.bench_chip.on_board import probe_words
from tools.bench_chip.turnaround import (
    PATIENT_MS,
    PROFILE_STREAMS,
    PROFILES,
    READS,
    STREAMS,
    Stream,
    ask_each,
)
from tools.emulator import filesystem, image, snapshots
from tools.emulator.box import Box, register
from tools.emulator.devices.plant import COILS
from tools.emulator.devices.rs485 import Exchange, Rs485Line, UartLine
from tools.emulator.machine import EmulationError, Machine
from tools.emulator.master import checked, read_request
from tools.flash.build import board_script, build_tree, compiled

BAUDS = (9600, 115200)
_ON_BOARD = Path(__file__).parent / "on_board"
_START_S = 3.0  # emulated time from power-on to the first turn of the loop
_GRID_S = 4.0  # and from there until K_GRID has closed
_SETTLED_S = 1.0  # after which it runs as it always does
_EXCHANGES = 20  # of each request
_COUNTED = 5  # of each request while memory is counted
_ANGLES = 8
_SLIPPING_HZ = 49.5


def _guest(name: str) -> bytes:
    return (_ON_BOARD / name).read_bytes()


_PROBE = {name: _guest(name) for name in ("probe.py", "probe_words.py")}

# -- the box as it is shipped --------------------------------------------------------------------------


@dataclass
class Start:
    """Times from power-on, in ms."""

    safe: float  # every coil pin driven low
    turning: float  # the loop
    measuring: float  # the first reply with a grid voltage in it has begun
    joined: float  # K_GRID closed, after its qualification of 2 s


@dataclass
class Replies:
    """Times in us: from t3.5 after a request to the reply; from its last stop bit to the driver's release."""

    latencies: list[float]
    releases: list[float]
    longest_us: int = 0  # call of the slave
    allocated: float = 0.0  # bytes a request


@dataclass
class Shipped:
    """The box with nothing added."""

    start: Start
    reads: Replies  # a hundred reads of mixed length at 9600 baud
    streams: dict[str, Replies]


def stored(settings: dict[str, int]) -> dict[str, bytes]:
    """Return the files of a board whose settings differ from the defaults by these."""
    with tempfile.TemporaryDirectory() as records:
        Kept(FlashStorage(records)).save_settings({**defaults(), **settings})
        return {f"data/{path.name}": path.read_bytes() for path in Path(records).iterdir()}


def _box(baud: int, files: dict[str, bytes] | None = None, settings: dict[str, int] | None = None) -> Box:
    """Return a box whose settings in flash have this baud rate."""
    box = Box(files={**stored({**(settings or {}), "baud_rate": baud}), **(files or {})})
    box.line.baud = baud
    return box


def _join(box: Box) -> float:
    """Run until the box has been on the grid for a second; return when K_GRID closed, in ns."""
    box.machine.run_until(lambda: box.plant.edges_of("K_GRID", True), _START_S + _GRID_S)
    box.machine.run(_SETTLED_S)
    return box.plant.edges_of("K_GRID", True)[0]


def shipped() -> Shipped:
    """Start the box; then its replies at 9600 baud."""
    box = _box(BAUDS[0])
    start = _start(box)
    reads = snapshots.run(_replies_of_box, box, READS, len(PATIENT_MS))
    return Shipped(start, reads, _streams(box))


def fast() -> dict[str, Replies]:
    """Return the replies of the box, as it is shipped, at 115200 baud."""
    box = _box(BAUDS[1])
    _join(box)
    return _streams(box)


def _start(box: Box) -> Start:
    machine = box.machine
    low: dict[int, float] = {}

    def listener(pin: int) -> Callable[[float, bool | None], None]:
        def heard(t_ns: float, level: bool | None) -> None:
            if level is False:
                low.setdefault(pin, t_ns)

        return heard

    pins = [box.pins[name] for name in COILS]
    for pin in pins:
        machine.on_edge(pin, listener(pin))
    machine.run_until(lambda: len(low) == len(pins), 0.5)
    turning_ns = machine.wait_for(" start ", _START_S)
    measuring_ns = -1.0
    while measuring_ns < 0:
        exchange = box.line.ask(read_request(register("grid_voltage_l1"), 1))
        if exchange.done and any(checked(exchange)[3:]):
            measuring_ns = exchange.reply_start_ns
        elif machine.now_ns > turning_ns + 2e9:
            raise EmulationError("the box measures nothing 2 s after its start")
    joined_ns = _join(box)
    return Start(*(t_ns / 1e6 for t_ns in (max(low.values()), turning_ns, measuring_ns, joined_ns)))


def profiles(baud: int) -> dict[str, Replies]:
    """Return the replies of the profiles, with all of them on."""
    box = _box(baud, settings=PROFILES)
    _join(box)
    return _streams(box, PROFILE_STREAMS)


def _streams(box: Box, streams: Sequence[Stream] = STREAMS) -> dict[str, Replies]:
    return {
        stream.name: snapshots.run(_replies_of_box, box, [stream.request], _EXCHANGES) for stream in streams
    }


def _replies_of_box(box: Box, requests: Sequence[bytes], count: int) -> Replies:
    return _figures(ask_each(box.machine, box.line, requests, PATIENT_MS[:count]))


def _figures(exchanges: Sequence[Exchange]) -> Replies:
    return Replies(
        [exchange.latency_us for exchange in exchanges], [exchange.release_us for exchange in exchanges]
    )


# -- from a fault to the coil --------------------------------------------------------------------------


def trips() -> dict[tuple[str, float], list[float]]:
    """Return the times from fault to coil in ms, by load and volts, all angles and sets of phases."""
    box = Box(files={"main.py": outages.BUSY_MAIN.read_bytes()})
    _join(box)
    found = {}
    wanted = [(load, outages.INTERRUPTION_V) for load in outages.LOADS] + [("quiet", outages.DIP_V)]
    for load, volts in wanted:
        found[load, volts] = [
            snapshots.run(outages.trip_ms, box, load, phases, volts, part)
            for phases, part in outages.cases(_ANGLES)
        ]
    return found


# -- the sampling interrupt ----------------------------------------------------------------------------


@dataclass
class Blocks:
    """Times in us, each list sorted; memory in bytes."""

    in_interrupt: list[int]  # the block function, on a sound grid
    share: float  # of the processor that the whole interrupt takes, in percent
    turns: list[int]  # of the loop
    collection: int
    viper: list[int]  # the same blocks again with sampling stopped
    plain: list[int]  # and in plain Python
    viper_sums: list[int]  # the sums alone, of the same blocks
    plain_sums: list[int]
    viper_allocates: int  # a block
    plain_allocates: int
    equal: bool  # both left the same words


def blocks() -> Blocks:
    """Time the block function, in its interrupt and against plain Python.

    A block that ends at a zero crossing takes longer, because the grid needs a closer look. So the grid
    slips against the blocks at first, by a cycle in the two seconds that are measured.
    """
    files = {
        "main.py": _guest("block_main.py"),
        "plain.mpy": compiled(board_script((_ON_BOARD / "plain.py").read_text()), "plain"),
    }
    box = Box(files=files)
    box.plant.set(grid_hz=_SLIPPING_HZ)
    box.machine.wait_for("swept", 20.0)
    box.plant.set(grid_hz=50.0)  # the blocks that are compared come round: no angle may jump
    box.machine.wait_for("measured", 20.0)
    said = {line.text.split()[0]: line.text for line in box.machine.console.lines if line.text}

    def numbers(name: str) -> list[int]:
        return [int(number) for number in said[name].partition("[")[2].rstrip("]").split(",")]

    spun = said["turns_of_nothing"].split()
    return Blocks(
        in_interrupt=numbers("blocks"),
        share=100 - 100 * int(spun[1]) / int(spun[2]),
        turns=numbers("turns"),
        collection=int(said["gc"].split()[1]),
        viper=numbers("viper"),
        plain=numbers("plain"),
        viper_sums=numbers("viper_sums"),
        plain_sums=numbers("plain_sums"),
        viper_allocates=int(said["allocated"].split()[1]),
        plain_allocates=int(said["allocated"].split()[2]),
        equal=said["equal"] == "equal True",
    )


@dataclass
class Memory:
    """Bytes."""

    free: int  # of the heap, when all is loaded and made
    free_with_profiles: int  # all four
    modbus: int  # of the heap that code and objects of the Modbus side take
    flash: int  # of the files that `make flash` puts onto the board


def free_heap(settings: dict[str, int] | None = None) -> int:
    """Return the bytes that are free when the loop of a box with these settings begins."""
    return _printed("heap_main.py", "free", stored(settings) if settings else {})


def memory() -> Memory:
    """Weigh the box."""
    return Memory(
        free=free_heap(),
        free_with_profiles=free_heap(PROFILES),
        modbus=_printed("memory_main.py", "modbus"),
        flash=sum(len(content) for content in build_tree().values()),
    )


def _printed(guest: str, name: str, files: Mapping[str, bytes] = {}) -> int:
    """Return the number that a program on the board prints after a name."""
    machine = Box(files={"main.py": _guest(guest), **files}).machine
    return _number(machine, name + " ", _START_S)


def _number(machine: Machine, name: str, seconds: float) -> int:
    """Wait for a line that begins with a name and return the number at its end."""
    if not any(line.text.startswith(name) for line in machine.console.lines):
        machine.wait_for(name, seconds)
    return next(int(line.text.split()[-1]) for line in machine.console.lines if line.text.startswith(name))


# -- calls and memory of a slave, of the box and of the peer -----------------------------------------------


def _probed(machine: Machine, line: Rs485Line, address: int, request: bytes) -> Replies:
    """Ask a board with the probe (on_board/probe.py): timed first, then with its memory counted."""
    found = _figures(ask_each(machine, line, [request], PATIENT_MS[:_EXCHANGES]))
    found.longest_us = _probe_figures(machine, address)[probe_words.LONGEST_US]
    machine.drive(probe_words.PIN, True)
    for n in range(_COUNTED):
        machine.run(PATIENT_MS[n] / 1000)
        line.ask(request)
    _longest, served, allocated, _uncounted = _probe_figures(machine, address)
    found.allocated = allocated / served if served else float("nan")
    return found


def _probe_figures(machine: Machine, address: int) -> tuple[int, ...]:
    return struct.unpack("<4I", machine.ram(address, 16))


def box_calls() -> dict[str, Replies]:
    """Return, by stream, the calls of the box's slave; at the higher baud rate: they do not depend on it."""
    box = _box(BAUDS[1], {"main.py": _guest("box_main.py"), **_PROBE}, PROFILES)
    address = _number(box.machine, "figures at", _START_S)
    _join(box)
    return {
        stream.name: snapshots.run(_probed, box.machine, box.line, address, stream.request)
        for stream in (*STREAMS, *PROFILE_STREAMS)
    }


@dataclass
class Peer:
    """The Modbus peer at one baud rate."""

    heap: int  # bytes that its code and its registers take
    streams: dict[str, Replies]


def peer(baud: int, folder: Path) -> Peer:
    """Return the replies of the peer, whose package is in `folder` (fetch.py)."""
    files = {"main.py": _guest("peer_main.py"), "peer_baud.py": f"BAUD = {baud}\n".encode(), **_PROBE}
    for source in sorted(folder.glob("*.py")):
        name = f"{fetch.PACKAGE}/{source.stem}"
        files[name + ".mpy"] = compiled(source.read_text(), name)
    line = UartLine(baud=baud)
    machine = Machine(image.find(), filesystem.build(files), [line])
    address = _number(machine, "figures at", _START_S)
    heap = _number(machine, "heap ", _START_S)
    streams = {
        stream.name: snapshots.run(_probed, machine, line, address, stream.of_peer or stream.request)
        for stream in (*STREAMS, *PROFILE_STREAMS)
    }
    return Peer(heap, streams)

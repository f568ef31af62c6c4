"""`python -m tools.bench_chip`: the box on the emulated RP2040, and beside it what else could do its work.

Emulated time, the same in every run. The Modbus peer is micropython-modbus, in a loop of its own on a Pico
that does nothing else; the metering peer is the block function written in plain Python. Boards are measured
side by side, as many as there are processors.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tools.bench_chip import fetch, measure, outages
from tools.bench_chip.measure import BAUDS, Blocks, Memory, Peer, Replies, Shipped
from tools.bench_chip.table import Row, kb, lines, ms, part, share, us
from tools.bench_chip.turnaround import PROFILE_STREAMS, STREAMS
from tools.emulator import image, snapshots

_BLOCK_US = 2500
_REPLY_BUDGET = "2 ms for 99 %"


def main() -> int:
    """Print the table, or one line when there is no image."""
    try:
        uf2 = image.find()
    except image.ImageError as error:
        print(f"on the chip: skipped, {error}")
        return 0
    print(f"On the emulated chip ({uf2.name}); about ten minutes:\n", flush=True)
    # The longest first, so that the processors are done at about the same time.
    jobs: dict[str, Callable[[], Any]] = {
        "shipped": measure.shipped,
        "calls": measure.box_calls,
        "fast": measure.fast,
        **{f"profiles {baud}": partial(measure.profiles, baud) for baud in BAUDS},
        "blocks": measure.blocks,
        "trips": measure.trips,
        "memory": measure.memory,
    }
    without_peer = ""
    try:
        folder = fetch.fetch()
        jobs.update({f"peer {baud}": partial(measure.peer, baud, folder) for baud in BAUDS})
    except fetch.PeerError as error:
        without_peer = str(error)
    try:
        results = snapshots.run_each(lambda job: job(), [(job,) for job in jobs.values()])
    except snapshots.CaseError as error:
        print(f"bench_chip: a measurement failed: {str(error).strip().splitlines()[-1]}", file=sys.stderr)
        return 1
    found = dict(zip(jobs, results))
    peers = {baud: found[f"peer {baud}"] for baud in BAUDS if f"peer {baud}" in found}
    rows = [
        *_start_rows(found["shipped"]),
        *_trip_rows(found["trips"]),
        *_block_rows(found["blocks"]),
        *_modbus_rows(
            found["shipped"].reads.latencies,
            {
                BAUDS[0]: {**found["shipped"].streams, **found[f"profiles {BAUDS[0]}"]},
                BAUDS[1]: {**found["fast"], **found[f"profiles {BAUDS[1]}"]},
            },
            found["calls"],
            peers,
        ),
        *_memory_rows(found["memory"], peers),
    ]
    print("\n".join(lines(rows)))
    print(
        "\nBesides interruption and dip, all on a sound grid. A reply is counted from t3.5 after the request."
    )
    print(
        f"Peer for Modbus: {fetch.NAME} {fetch.VERSION}"
        + (f": skipped, {without_peer}" if without_peer else "")
    )
    print("Peer for the block function: the same function in plain Python.")
    if not found["blocks"].equal:
        print("bench_chip: the plain block function did not leave the same sums", file=sys.stderr)
        return 1
    return 0


def _start_rows(shipped: Shipped) -> Iterator[Row]:
    start = shipped.start
    yield Row("power-on to every coil pin driven low", f"{start.safe:.1f} ms", budget="50 ms")
    yield Row("power-on to the first turn of the loop", f"{start.turning / 1000:.2f} s")
    yield Row("power-on to a reply with a measured voltage", f"{start.measuring / 1000:.2f} s")
    yield Row("power-on to K_GRID closed, 2 s of qualification in it", f"{start.joined / 1000:.2f} s")


def _trip_rows(trips: dict[tuple[str, float], list[float]]) -> Iterator[Row]:
    for load, volts in trips:
        times = trips[load, volts]
        what = "interruption" if volts == outages.INTERRUPTION_V else "dip to 0.44 Un"
        yield Row(
            f"{what} to the coil of K_GRID, loop {load}: mean, worst of {len(times)}",
            f"{sum(times) / len(times):.1f}, {max(times):.1f} ms",
            budget="8 ms" if volts == outages.INTERRUPTION_V else "15 ms",
        )


def _block_rows(blocks: Blocks) -> Iterator[Row]:
    times = blocks.in_interrupt
    yield Row("block function in its interrupt: median, worst", f"{us(part(times, 0.5))}, {us(times[-1])} us")
    yield Row("its share of the processor", f"{share(times, _BLOCK_US):.1f} %")
    yield Row(
        "the whole interrupt, with entry and exit: share of the processor",
        f"{blocks.share:.1f} %",
        budget="4 %",
    )
    alone, plain = blocks.viper, blocks.plain
    ratio = sum(plain) / sum(alone)
    yield Row(
        "the same blocks again, sampling stopped: median, worst",
        f"{us(part(alone, 0.5))}, {us(alone[-1])} us",
        f"{us(part(plain, 0.5))}, {us(plain[-1])} us",
    )
    yield Row(
        "their share of the processor at 400 blocks a second",
        f"{share(alone, _BLOCK_US):.1f} %",
        f"{share(plain, _BLOCK_US):.0f} %: {ratio:.0f} times as much",
    )
    yield Row(
        "of that the sums over the block: median, worst",
        f"{us(part(blocks.viper_sums, 0.5))}, {us(blocks.viper_sums[-1])} us",
        f"{us(part(blocks.plain_sums, 0.5))}, {us(blocks.plain_sums[-1])} us",
        "40, 65 us",
    )
    yield Row(
        "bytes allocated a block, at most",
        str(blocks.viper_allocates),
        str(blocks.plain_allocates),
        "0",
    )
    yield Row(
        "turn of the loop: median, 99 %", f"{ms(part(blocks.turns, 0.5))}, {ms(part(blocks.turns, 0.99))} ms"
    )
    yield Row("a collection, and the filling of gaps after it", f"{ms(blocks.collection)} ms")


def _modbus_rows(
    reads: list[float],
    ours: dict[int, dict[str, Replies]],
    calls: dict[str, Replies],
    peers: dict[int, Peer],
) -> Iterator[Row]:
    streams = (*STREAMS, *PROFILE_STREAMS)
    yield Row(
        f"reply, {len(reads)} reads of 1 to 125 registers, 9600: median, 99 %, worst",
        f"{ms(part(reads, 0.5))}, {ms(part(reads, 0.99))}, {ms(max(reads))} ms",
        budget=_REPLY_BUDGET,
    )
    for baud in BAUDS:
        for stream in streams:
            theirs = peers[baud].streams[stream.name] if baud in peers else None
            yield Row(
                f"reply, {stream.name}, {baud}: median, worst",
                _replies(ours[baud][stream.name]),
                _replies(theirs) if theirs else "",
                _REPLY_BUDGET,
            )
    for baud in BAUDS:
        found = [ours[baud][stream.name] for stream in streams]
        yield Row(
            f"driver released after the last stop bit, {baud}: worst",
            _release(found),
            _release(list(peers[baud].streams.values())) if baud in peers else "",
            f"a character, {10e6 / baud:.0f} us",
        )
    low, high = BAUDS
    for stream in streams:
        name = stream.name
        theirs_at = [peers[baud].streams[name] for baud in BAUDS if baud in peers]
        yield Row(
            f"the loop is blocked by the slave, {name}: longest (peer at {low}, {high})",
            f"{calls[name].longest_us / 1000:.2f} ms",
            ", ".join(ms(replies.longest_us) for replies in theirs_at) + (" ms" if theirs_at else ""),
            "1 ms",
        )
    for stream in streams:
        name = stream.name
        theirs_at = [peers[baud].streams[name] for baud in BAUDS if baud in peers]
        yield Row(
            f"bytes allocated a request, {name} (peer at {low}, {high})",
            f"{calls[name].allocated:.0f}",
            ", ".join(f"{replies.allocated:.0f}" for replies in theirs_at),
            "0",
        )


def _replies(found: Replies) -> str:
    return f"{ms(part(found.latencies, 0.5))}, {ms(max(found.latencies))} ms"


def _release(found: list[Replies]) -> str:
    return f"{us(max(time for replies in found for time in replies.releases))} us"


def _memory_rows(memory: Memory, peers: dict[int, Peer]) -> Iterator[Row]:
    theirs = kb(peers[BAUDS[0]].heap) if peers else ""
    yield Row("heap that the Modbus side takes, code, registers and buffers", kb(memory.modbus), theirs)
    yield Row("free heap when the loop begins", kb(memory.free), budget="80 KB")
    yield Row("free heap when the loop begins, all four profiles on", kb(memory.free_with_profiles))
    yield Row("firmware on flash", kb(memory.flash))


if __name__ == "__main__":
    sys.exit(main())

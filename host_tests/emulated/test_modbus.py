"""The slave at the pins: what it answers, how soon, and when its driver lets go of the bus."""

import statistics

import pytest

from host_tests.emulated.master import REGISTERS, value, words, write
from tools.bench_chip.turnaround import PATIENT_MS, READS, ask_each
from tools.emulator.master import checked, framed, read_request, write_request

CHARACTER_US = 10 / 9600 * 1e6


def test_the_meter_model_and_the_values_are_right(on_grid):
    box = on_grid
    text = b"".join(word.to_bytes(2, "big") for word in words(box, 0, 8))
    assert text.rstrip(b"\0") == b"BackupBox_PLUS"
    assert value(box, "state") == 1
    for phase in ("l1", "l2", "l3"):
        assert abs(value(box, f"grid_voltage_{phase}") - 230) < 0.5
    assert abs(value(box, "grid_frequency") - 50) < 0.02


def latencies_us(box, pauses_ms):
    """Ask once after each pause; return the times from t3.5 to the reply, sorted, and the last DE release."""
    line = box.line
    exchanges = ask_each(box.machine, line, READS, pauses_ms)
    latencies = sorted(exchange.latency_us for exchange in exchanges)
    releases = [exchange.release_us for exchange in exchanges]
    assert latencies[0] >= 0, "before the silence was over"
    assert min(releases) >= 0 and max(releases) <= CHARACTER_US
    assert not line.violations and line.worst_part < 0.1
    return latencies, max(releases)


def test_a_reply_begins_within_2_ms_and_the_driver_lets_go_within_a_character(on_grid):
    """A master that pauses between its requests, each at another moment of the loop: 99 % in time."""
    latencies, release_us = latencies_us(on_grid, PATIENT_MS)
    figures = {
        "median_us": round(statistics.median(latencies)),
        "p99_us": round(latencies[98]),
        "worst_us": round(latencies[99]),
        "release_us": round(release_us),
    }
    assert figures["p99_us"] <= 2000, figures
    return figures


def test_a_master_without_pauses_waits_for_the_collector_now_and_then(on_grid):
    """It asks again as soon as it has its reply; a collection that began with the reply may last longer."""
    latencies, _release_us = latencies_us(on_grid, [0.7 * (n % 7) for n in range(60)])
    late = [latency for latency in latencies if latency > 2100]
    assert len(late) <= 3 and latencies[-1] < 30000, late
    return {"later than 2 ms": f"{len(late)} of 60", "worst_us": round(latencies[-1])}


def test_frames_that_must_not_be_answered_are_not_and_the_next_is(on_grid):
    line = on_grid.line
    good = read_request(0, 2)
    for bad in (
        good[:-1] + bytes((good[-1] ^ 1,)),  # CRC
        good[:-3],  # short
        read_request(0, 2, unit=7),  # somebody else's
        bytes(300),  # long
        framed(bytes((0, 4, 0, 0, 0, 2))),  # a broadcast that reads
    ):
        assert not line.ask(bad, 0.03).done, bad.hex()
        assert line.ask(good).done, bad.hex()


def test_a_frame_torn_by_a_silence_is_two_bad_ones(on_grid):
    line = on_grid.line
    good = read_request(0, 2)
    torn = line.send(good[:4])
    on_grid.machine.run(0.012)
    line.send(good[4:])
    on_grid.machine.run(0.05)
    assert not torn.done
    assert line.ask(good).done


def test_a_written_value_can_be_read_back_at_once(on_grid):
    box = on_grid
    assert write(box, "soc", 55) == 0
    assert value(box, "soc") == 55
    assert write(box, "soc", 101) == 3
    assert value(box, "soc") == 55


@pytest.mark.parametrize("baud", (19200, 57600, 115200))
def test_every_baud_rate_works_after_a_commit(on_grid, baud):
    box = on_grid
    assert write(box, "baud_rate", baud // 100) == 0
    reply = box.line.ask(write_request(REGISTERS["commit"]["address"], [1]), 2.0)
    assert checked(reply)[1] == 16
    box.machine.run(0.05)
    box.line.baud = baud
    exchanges = [box.line.ask(read_request(100, 20)) for _ in range(5)]
    assert all(len(checked(exchange)) == 43 for exchange in exchanges)
    character_us = 10 / baud * 1e6
    assert all(0 <= exchange.release_us <= character_us for exchange in exchanges)
    assert not box.line.violations
    return {"baud": baud, "worst_us": round(max(exchange.latency_us for exchange in exchanges))}

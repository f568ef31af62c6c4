"""The RS485 port at the pins in its formats: what is answered, how soon, and what damage costs."""

import pytest

from firmware.hardware.rtu_timing import FORMAT_8E1, FORMAT_8N1, FORMAT_8N2, FORMAT_8O1
from host_tests.emulated.master import asked
from tools.emulator.master import checked, read_request

NAMES = {FORMAT_8N1: "8N1", FORMAT_8E1: "8E1", FORMAT_8O1: "8O1", FORMAT_8N2: "8N2"}


def choose(box, baud, line_format):
    """Set up the box's port behind the slave's back, then the master."""
    asked(box, f"box.slave.port.configure({baud},{line_format})")
    box.line.baud, box.line.line_format = baud, line_format


def errors(box):
    """Return the port's framing and parity errors."""
    return asked(box, "box.slave.port.framing_errors"), asked(box, "box.slave.port.parity_errors")


@pytest.mark.parametrize(
    ("baud", "line_format"),
    [
        (1200, FORMAT_8E1),
        (2400, FORMAT_8N1),
        (9600, FORMAT_8N2),
        (19200, FORMAT_8E1),
        (115200, FORMAT_8O1),
    ],
)
def test_a_master_of_this_format_is_answered_and_damage_costs_its_frame_only(busy, baud, line_format):
    line, machine = busy.line, busy.machine
    choose(busy, baud, line_format)
    exchanges = []
    for n in range(6):
        machine.run(0.0207 + 0.0007 * n)
        exchanges.append(line.ask(read_request(100, (1, 2, 10)[n % 3]), 1.0))
        assert checked(exchanges[-1])[2] == (2, 4, 20)[n % 3]
    latencies = [exchange.latency_us for exchange in exchanges]
    releases = [exchange.release_us for exchange in exchanges]
    assert min(latencies) >= 0, "before the silence was over"
    assert max(latencies) <= 2500, latencies
    # A character is what the specification of the box allows; an eighth of a bit is what the program takes.
    assert min(releases) >= 0 and max(releases) <= 1e6 / baud / 4
    assert line.worst_part < 0.1
    assert not line.ask(read_request(100, 2), 0.05, damaged=3).done
    assert line.ask(read_request(100, 2), 1.0).done
    with_parity = line_format in (FORMAT_8E1, FORMAT_8O1)
    assert errors(busy) == ((0, 1) if with_parity else (1, 0))
    assert not line.violations
    return {
        "line": f"{baud} {NAMES[line_format]}",
        "latencies_us": f"{min(latencies):.0f} to {max(latencies):.0f}",
        "release_us": f"{max(releases):.1f}",
    }


def test_rate_and_format_change_when_the_reply_has_left_the_line(busy):
    line, machine = busy.line, busy.machine
    choose(busy, 4800, FORMAT_8E1)
    levels = []
    machine.on_edge(0, lambda t_ns, level: levels.append((t_ns, level)))
    exchange = line.send(read_request(100, 40))
    machine.run_until(lambda: len(exchange.reply) >= 20, 0.5)
    asked(busy, "box.slave.port.configure(38400,3)")
    assert not exchange.done
    machine.run_until(lambda: exchange.done, 0.5)
    assert checked(exchange)[2] == 80
    assert 0 <= exchange.release_us <= 1e6 / 4800 / 4
    at_rest = len(levels)
    machine.run(0.02)
    assert len(levels) == at_rest and machine.level(0) and not machine.level(2), "no glitch"
    line.baud, line.line_format = 38400, FORMAT_8N2
    assert all(checked(line.ask(read_request(100, 10)))[2] == 20 for _ in range(3))
    assert not line.violations

"""The master of the RS485 line at a UART of the chip, as the Modbus peer of the bench has it."""

import pytest

from tools.emulator.devices.rs485 import UartLine
from tools.emulator.master import read_request

ECHO = """
from machine import UART, Pin
from time import sleep_us
uart, de = UART(0, %d, tx=Pin(0), rx=Pin(1)), Pin(2, Pin.OUT, value=0)
got = b""
while len(got) < 8:
    got += uart.read() or b""
de.value(%d)
uart.write(bytes(reversed(got)))
uart.flush()
sleep_us(%d)
de.off()
print(got.hex())
"""


def asked(machine, baud, driver):
    """Return the line and the exchange with a program that sends a request back to front."""
    line = UartLine(baud=baud)
    line.attach(machine)
    exchange = line.send(read_request(100, 3), after_s=0.3)
    # MicroPython's flush() comes back while the last character is still leaving the chip.
    assert machine.execute(ECHO % (baud, driver, 10e6 / baud)) == exchange.request.hex() + "\n"
    return line, exchange


@pytest.mark.parametrize("baud", (9600, 115200))
def test_request_and_reply_are_carried_and_timed(repl, baud):
    line, exchange = asked(repl.machine, baud, 1)
    assert bytes(exchange.reply) == exchange.request[::-1]
    assert exchange.done and not exchange.damaged and not line.violations
    assert line.worst_part < 0.1
    took_ns = exchange.reply_end_ns - exchange.reply_start_ns
    assert abs(took_ns * baud / 80e9 - 1) < 0.01  # eight characters, one after the other
    assert exchange.driver_on_ns > exchange.request_end_ns
    assert 0 < exchange.release_us < 20e6 / baud


def test_what_is_sent_with_the_driver_off_is_noticed(repl):
    line, exchange = asked(repl.machine, 9600, 0)
    assert [what for _t_ns, what in line.violations] == ["sends while its driver is off"] * 8
    assert not exchange.done

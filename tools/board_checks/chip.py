"""RS485, display, flash and watchdog: what the Pico does with parts that carry no mains."""

from tools.board_checks.bench import Bench
from tools.board_checks.person import NO, SKIP

RS485_WHY = """\
RS485. A short frame is sent at 9600 8N1. DE must be on for the frame and off within a character after it:
a box that keeps DE on blocks the bus. With a wire from TX to RX (transceiver unplugged) the echo is seen;
with a second RS485 adapter on A and B a terminal at 9600 8N1 shows the text."""

DISPLAY_WHY = "Display. Four lines are written to it."

FLASH_WHY = """\
Flash. Records are written as the box writes its settings, in a folder of their own, and read back."""

WATCHDOG_WHY = """\
Watchdog. It is fed for longer than it waits, then left alone: the chip must restart, with every coil off. The
box starts, and is stopped once more."""

_TEXT = "backup box U"  # U alternates: its last edge is the beginning of the stop bit
_BAUD = 9600
_LINES = ("board check", "second line", "third line", "0123456789abcdefghij")
_RECORDS, _RECORD_BYTES = 4, 600
_WAITS_MS = 500
_FEEDS_MS = 1500


def check_rs485(bench: Bench) -> None:
    """Send a frame and judge what the pins did."""
    bench.person.tell("\n" + RS485_WHY)
    found = bench.run("rs485", f"send({_TEXT!r}, {_BAUD})")
    reason = driver_flaw(found, edges_of(_TEXT))
    if reason:
        bench.failed("RS485 driver enable", reason)
    else:
        off_us = found["last_us"][2] - found["last_us"][0] - found["bit_us"]
        bench.passed("RS485 driver enable", f"off {max(off_us, 0)} us after the stop bit")
    echo = found["edges"][1]
    if echo == 0:
        bench.skipped(
            "RS485 echo", "nothing came back: TX and RX are not joined, as it is with a transceiver"
        )
    elif abs(echo - found["edges"][0]) > 2:
        bench.failed(
            "RS485 echo", f"{found['edges'][0]} edges sent, {echo} came back: another source is on RX"
        )
    else:
        bench.passed("RS485 echo", f"{echo} edges")
    answer = bench.person.ask("rs485", f'Did a second adapter on A and B show "{_TEXT}"?')
    if answer == SKIP:
        bench.skipped("RS485 line", "no second adapter")
    elif answer == NO:
        bench.failed(
            "RS485 line", "look at A and B (swapped?), DI, DE with /RE, and the transceiver's supply"
        )
    else:
        bench.passed("RS485 line")


def edges_of(text: str) -> int:
    """Return how often the line changes for a text at 8N1."""
    line = "1" + "".join("0" + f"{ord(letter):08b}"[::-1] + "1" for letter in text)
    return sum(a != b for a, b in zip(line, line[1:], strict=False))


def driver_flaw(found: dict, edges: int) -> str:
    """Return what TX and DE did wrong, and what to look at, or an empty string."""
    before, during, after = found["de"]
    tx_edges, _, de_edges = found["edges"]
    if before:
        return "DE is on before anything is sent: something else drives the pin high"
    if not during:
        return "DE does not go on: its pin is shorted to ground"
    if after or found["sending"] or de_edges != 1:
        return f"DE does not go off cleanly ({de_edges} edges): something else drives the pin"
    if abs(tx_edges - edges) > 2:  # the first may be gone before the watching begins
        return f"{tx_edges} edges on TX, {edges} expected: something else drives the pin"
    late_us = found["last_us"][2] - found["last_us"][0]
    bit_us = found["bit_us"]
    if not 0.8 * bit_us <= late_us <= 11 * bit_us:
        return f"DE goes off {late_us - bit_us} us after the last stop bit; 0 to {10 * bit_us} us are right"
    return ""


def check_display(bench: Bench) -> None:
    """Write to the display and ask what it shows."""
    bench.person.tell("\n" + DISPLAY_WHY)
    if not bench.facts["display"]:
        bench.skipped("display", "this board has none")
        return
    found = bench.run("display", f"show({list(_LINES)!r})")
    if not found["answered"]:
        others = ", ".join(f"0x{address:02X}" for address in found["found"])
        bench.failed(
            "display",
            f"none answers at 0x{found['address']:02X}; on the bus: {others or 'nothing'}. Look at SDA and "
            "SCL (swapped?), the level shifter and its pull-ups, and LCD_ADDRESS in the board file",
        )
        return
    bench.person.tell("\n".join(f"  |{line:20s}|" for line in _LINES))
    answer = bench.person.ask("display", "Does the display show these four lines?")
    if answer == SKIP:
        bench.skipped("display", "answers; not looked at")
    elif answer == NO:
        bench.failed(
            "display", "answers on I2C: look at the contrast, the backlight, and the backpack's type"
        )
    else:
        bench.passed("display")


def check_flash(bench: Bench) -> None:
    """Write records and read them back."""
    bench.person.tell("\n" + FLASH_WHY)
    found = bench.run("storage", f"write_and_read({_RECORDS}, {_RECORD_BYTES})")
    if found["right"] != _RECORDS:
        bench.failed(
            "flash", f"{_RECORDS - found['right']} of {_RECORDS} records read back differently: worn out"
        )
    elif found["longest_us"] > 1600000:  # two sectors at 400 ms each, twice over
        bench.failed("flash", f"a record takes {found['longest_us'] // 1000} ms: the flash wears out")
    else:
        bench.passed("flash", f"{_RECORDS} records, the slowest in {found['longest_us'] / 1000:.0f} ms")


def check_watchdog(bench: Bench) -> None:
    """Feed the watchdog, then starve it, and look why the chip restarted."""
    bench.person.tell("\n" + WATCHDOG_WHY)
    bench.run("watchdog", f"feed({_WAITS_MS}, {_FEEDS_MS})")
    restarted = bench.leave("watchdog", f"starve({_WAITS_MS})")
    found = bench.run("watchdog", "cause()")
    if not restarted or not found["timer"]:
        bench.failed("watchdog", "the chip did not restart by its watchdog: do not use this board")
    elif found["coils"]:
        bench.failed("watchdog", "a coil output is on after the restart: is boot.py on the board?")
    else:
        bench.passed("watchdog", "restarted, coils off")

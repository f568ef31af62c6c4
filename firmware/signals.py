"""The signals between the box and its board: coil bits, input bits, states and reason codes.

Everything that crosses the border between logic and hardware is one of these integers, so that a
mask can be stored, compared and sent over Modbus without translation.
"""

from micropython import const

# Coil and feedback masks: bit 0 joins the load bus to the grid, bits 1 to 3 a phase to the backup output.
K_GRID = const(1)
Q_L1 = const(2)
Q_L2 = const(4)
Q_L3 = const(8)
Q_ALL = const(14)
ALL_COILS = const(15)
COIL_NAMES = ("K_GRID", "Q_L1", "Q_L2", "Q_L3")

# Input mask, as `Inputs.read()` returns it. Bits 0 to 3: the contactor is not confirmed open (mirror
# contact closed = confirmed open = 0, so a broken wire reads 1).
IN_AUTO = const(16)  # operating switch in AUTO; a broken wire reads OFF
IN_BYPASS = const(32)  # bypass switched in; a broken wire reads "in"
IN_DIP_SHIFT = const(8)  # bits 8 to 11: DIP switches 1 to 4, 1 = ON
DIP_RETURN_DELAY = const(8)  # DIP 4 in a mask whose bit 0 is DIP 1

# States of the transfer machine.
STARTING = const(0)
GRID = const(1)
TO_BACKUP = const(2)
BACKUP = const(3)
TO_GRID = const(4)
FAULT = const(5)
OFF = const(6)
BYPASS = const(7)
STATE_NAMES = ("starting", "grid", "to_backup", "backup", "to_grid", "fault", "off", "bypass")

# Why the grid is bad.
GRID_OK = const(0)
INTERRUPTION = const(1)
PHASE_LOSS = const(2)
DEEP_DIP = const(3)
UNDERVOLTAGE = const(4)
OVERVOLTAGE = const(5)
FREQUENCY = const(6)
PHASE_SEQUENCE = const(7)
NOT_MEASURED = const(8)
TEST = const(9)  # nothing is wrong: the master tests the transfer
REASON_NAMES = (
    "none",
    "interruption",
    "phase_loss",
    "deep_dip",
    "undervoltage",
    "overvoltage",
    "frequency",
    "phase_sequence",
    "not_measured",
    "test",
)

# Latched faults, one bit each; bit n of the first four groups belongs to coil n.
FAULT_NOT_OPEN_SHIFT = const(0)  # bits 0 to 3: to be open, but closed by feedback, voltage or current
FAULT_NOT_CLOSED_SHIFT = const(4)  # bits 4 to 7: to be closed, but open by feedback, or no voltage
FAULT_LOCKED_SHIFT = const(8)  # bits 8 to 11: retried too often; waits for a reset by operator or master
FAULT_SETTINGS = const(4096)  # stored settings unreadable: nothing closes until they are reset
FAULT_BUS_LIVE = const(8192)  # the load bus stayed live with every contactor open
FAULT_CRASHED = const(16384)  # safe mode: the box crashed again and again, and does nothing but answer
FAULT_NAMES = (
    "k_grid_not_open",
    "q_l1_not_open",
    "q_l2_not_open",
    "q_l3_not_open",
    "k_grid_not_closed",
    "q_l1_not_closed",
    "q_l2_not_closed",
    "q_l3_not_closed",
    "k_grid_locked",
    "q_l1_locked",
    "q_l2_locked",
    "q_l3_locked",
    "settings",
    "bus_live",
    "crashed",
)

# Warnings, one bit each: shown, never a reason to open or close anything.
WARN_SOC_STALE = const(1)
WARN_TRANSFERS = const(2)  # more than 5 transfers in 10 minutes: the return delay is forced
WARN_DIP_CHANGED = const(4)
WARN_LOST_BLOCKS = const(8)
WARN_STORE = const(16)  # one of the two settings slots is damaged, or a write failed
WARN_NO_BACKUP = const(32)  # the house waits for the backup voltage
WARN_CONVERTER = const(64)  # a measuring channel cannot be right; the grid's are also a reason: not measured
WARN_BENCH = const(128)  # a bench board: everything measured is made up
WARN_MASTER = const(256)  # no master has asked for long
WARNING_NAMES = (
    "soc_stale",
    "transfers",
    "dip_changed",
    "lost_blocks",
    "store",
    "no_backup",
    "converter",
    "bench",
    "master_lost",
)

# What is wrong with a measuring channel.
CHANNEL_OK = const(0)
CHANNEL_ABSENT = const(1)
CHANNEL_STUCK = const(2)
CHANNEL_SATURATED = const(3)
FLAW_NAMES = ("good", "absent", "stuck", "saturated")

# What the grid of a bench board can be made to do.
BENCH_NAMES = ("sound", "interruption", "l1_lost", "dip", "undervoltage", "overvoltage", "frequency")


def names(mask: int, table: tuple) -> list:
    """Return the names of the bits set in `mask`, lowest bit first."""
    return [name for bit, name in enumerate(table) if mask & (1 << bit)]

"""Where the probe (probe.py) has its figures, and the pin that tells it what to do; for board and bench."""

PIN = 28  # high: count memory instead of timing calls
LONGEST_US = 0  # of the calls while they are timed
SERVED = 1  # calls that answered a request, while memory was counted
ALLOCATED = 2  # bytes in these calls
UNCOUNTED = 3  # calls during which the collector ran: nothing can be said of them

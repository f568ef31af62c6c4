"""Plays a day in a minute, tells it line by line and draws it: `make demo`."""

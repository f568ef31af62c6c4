"""Start the box."""

from firmware.app import run

run()

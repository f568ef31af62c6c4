"""Programs for the emulated board. Nothing here is part of the firmware."""

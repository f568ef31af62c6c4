"""The plant (grid, storage system, loads, contactors) and a simulated board, closed around the firmware."""

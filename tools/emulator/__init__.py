"""The box's flashed image on an emulated RP2040, with the simulated plant at its pins. CPython only."""

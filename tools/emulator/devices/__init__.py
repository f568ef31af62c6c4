"""What is wired to the emulated Pico. A device has `attach(machine)` and is an object of its own."""

"""What the box does on the emulated RP2040, measured, and beside it what others would do there."""

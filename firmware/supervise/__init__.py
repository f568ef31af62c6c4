"""Is the grid good or bad and why; the battery and the age of what is known of it; latched faults."""

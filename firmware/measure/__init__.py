"""From sample blocks to RMS values, powers, frequency and energy."""

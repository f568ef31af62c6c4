"""Settings with bounds, and records that survive a restart."""

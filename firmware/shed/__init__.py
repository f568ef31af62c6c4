"""Which phases may be supplied in backup: load management by state of charge."""

"""What the box tells and is told: register table, Modbus RTU slave, display pages, event log."""

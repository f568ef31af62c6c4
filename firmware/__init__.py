"""Backup box firmware. One way through: acquire, measure, supervise, transfer and shed, publish."""

"""Plays a recording of one voltage and one current into one phase of the box, and compares what it reads."""

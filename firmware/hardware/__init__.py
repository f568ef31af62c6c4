"""The only package that may import machine, rp2 or esp32: pin maps, board checks and drivers."""

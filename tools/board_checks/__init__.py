"""Checks of a real board, its wiring and its contactors: `python -m tools.board_checks --port PORT`."""

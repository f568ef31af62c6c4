"""Getting the firmware onto a board: `python -m tools.flash`, and its log: `python -m tools.flash.log`."""

"""Sample blocks: their layout, and calibration from converter counts to volts and amperes."""

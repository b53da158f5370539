"""Calibration: a line file's times and rates, worked out from what the plant did."""

"""Lengths of time, as whole numbers: exact beside decimals as well as beside floats."""

HOUR_S = 3600
DAY_S = 86_400

"""Lengths of time, as whole numbers: exact beside decimals as well as beside floats."""

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86_400

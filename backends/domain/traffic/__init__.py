"""Traffic: rates, demand, windows and the shape of a day, from counters or from elsewhere."""

"""Traffic: rates, demand, windows and the shape of a day, from counters, a file or Prometheus."""

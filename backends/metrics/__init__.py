"""The server's own counters: read from its ``/metrics`` or from a Prometheus that keeps them."""

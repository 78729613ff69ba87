"""The prober: a process of its own that owns the sockets and the timestamps of an A/B."""

"""This host: its processes, its ports, the servers on it, and what stands in the way of one."""

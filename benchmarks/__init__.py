"""Benchmarks: whole-process figures, run by `make bench` and `make bench-ab`."""

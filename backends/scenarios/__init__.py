"""Scenarios that ship: published comparisons of GPUs and APIs, to check and to start from."""

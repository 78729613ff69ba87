"""Backends: everything that is true without a terminal."""

"""Measurements as tables, text, CSV and pictures."""

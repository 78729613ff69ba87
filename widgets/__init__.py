"""Widgets: each draws one frozen view value and knows nothing else."""

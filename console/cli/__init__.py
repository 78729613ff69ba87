"""The command line: parses, calls an operation, prints; the only place that prints."""

"""The domain: values and pure functions; no clock, no I/O, only the standard library."""

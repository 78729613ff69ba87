"""The terminal application: values in, keys out."""

"""The process that keeps the record of one host, as others speak to it."""

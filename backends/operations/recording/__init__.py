"""The record of one host: what its servers did, served and cost, kept by one process at a time."""

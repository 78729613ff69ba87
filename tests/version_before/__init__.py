"""What the version before this one left, on disk and running."""

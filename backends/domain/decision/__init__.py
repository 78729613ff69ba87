"""The decision: which way of serving is cheaper, how surely, and what would flip it."""

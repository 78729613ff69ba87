"""What the keys do: each asks where something would be lost, then calls an operation."""

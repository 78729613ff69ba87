"""Opens screens by name, each with what it shows."""

"""What was measured, kept in one SQLite database."""

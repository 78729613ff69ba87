"""The price table: shipped rows with their dates, imported ones, and the user's own above all."""

"""A study: all that was measured of one server and one endpoint, and what follows from it."""

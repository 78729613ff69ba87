"""A study: the whole measurement of one server and one endpoint, step by step, resumable."""

"""Which resource of a serving vLLM binds, the one flag to try, and what the try showed."""

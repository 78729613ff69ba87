"""The verbs: each module's `run` takes the parsed arguments and returns an exit code."""

"""What vLLM itself raises while it starts, labelled by hand, against what `explain` says of it."""

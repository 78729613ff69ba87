"""How often the verdict errs, by simulation of traffic whose truth is known."""

"""The bill: what the rented GPUs have cost so far, and for what."""

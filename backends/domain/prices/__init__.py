"""Prices and amounts: what an API or a GPU charges, and what one request costs."""

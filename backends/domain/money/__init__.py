"""What a GPU costs, what the API would have cost, and which of them is cheaper, how surely."""

"""Planted tasks: drawn from a seed so that what fusion can gain is known, with their best achievable scores."""

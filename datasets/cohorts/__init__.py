"""Simulated cohorts: they look like the real thing, hold what was planted, and know how well one could do."""

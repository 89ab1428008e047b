"""Intervals, comparisons and tests that fit what was run."""

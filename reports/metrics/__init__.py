"""Scores of stored probabilities: accuracy and calibration, pure functions that refit nothing."""

"""Graphical models: probability distributions over the class and the features, with exact inference."""

"""Figures: what each shows as a frame, and its drawing apart from it."""

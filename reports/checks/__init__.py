"""Coded methodological warnings: what a careful referee would ask about these results."""

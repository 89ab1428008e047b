"""Encoders of modalities, one file a kind; ``make`` chooses among them."""

"""Fusion networks: encoders of modalities, and the operators that join them."""

"""Operators that join what the encoders give, one file each."""

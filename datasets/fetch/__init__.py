"""Bringing open cohorts to the user's disk: catalogue, download, archives and checks."""

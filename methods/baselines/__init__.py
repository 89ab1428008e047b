"""Plain classifiers on one modality or on all side by side: the floor that fusion must beat."""

"""Multiple kernel learning: one or more kernels a modality, and machines on their mix."""

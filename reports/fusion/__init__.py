"""Does fusion help here: gains over single modalities, and who errs on which rows."""

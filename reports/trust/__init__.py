"""Whether probabilities can be trusted: recalibration, sets that cover, abstention, and decisions."""

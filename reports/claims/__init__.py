"""What the review says of fusion, as hypotheses that the results support, contradict or leave open."""

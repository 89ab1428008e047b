"""What fitted models tell of themselves: weights, graphs, contributions and attributions of modalities."""

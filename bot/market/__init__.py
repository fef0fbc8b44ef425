"""Read the figures of the market."""

"""The pages of the market."""

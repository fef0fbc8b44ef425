"""These processes place orders and refunds with the pay channel, and take its results."""

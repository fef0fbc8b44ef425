"""Follow the harvest of a pre-order: when it is picked, what the seller says of it, and how it ends."""

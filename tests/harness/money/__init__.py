"""A merchant of the simulator's Pay, a bot that takes money, and what its books say."""

"""A merchant of the stand-in's Pay, a bot that takes money, and what its books say."""

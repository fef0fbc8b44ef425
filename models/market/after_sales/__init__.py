"""Buyers say what was wrong with an order, sellers answer, and the township decides where they do not agree."""

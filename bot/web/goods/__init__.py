"""Serve the pages of goods: labels of parcels, lists and cards of points, rounds, and thanks."""

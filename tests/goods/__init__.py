"""Offers and requests of goods reach each other."""

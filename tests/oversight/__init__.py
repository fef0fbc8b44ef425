"""Overseers see what is so, and nobody can steer what is drawn."""

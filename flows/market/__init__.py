"""Sellers list their produce, step by step."""

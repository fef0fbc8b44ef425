"""Buyers order, and sellers say what they sent, step by step."""

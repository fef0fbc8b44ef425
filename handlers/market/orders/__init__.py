"""Buyers order, and buyers and sellers follow their orders by commands."""

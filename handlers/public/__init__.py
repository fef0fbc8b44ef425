"""Anybody browses appeals, goods and produce by commands."""

"""Charities: who collects an appeal's money, where, and under which filing."""

"""Owners correct and revise an appeal by commands."""

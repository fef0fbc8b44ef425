"""Servers and processes are killed on purpose, and nothing is lost or done twice."""

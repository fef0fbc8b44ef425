"""Readers take every writing of an answer, or say what was wrong."""

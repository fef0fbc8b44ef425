"""Officers register residents and act for them, step by step."""

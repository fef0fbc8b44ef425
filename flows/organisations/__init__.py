"""People register organisations, and ask to speak for them, step by step."""

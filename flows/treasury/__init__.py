"""Fund holders enter and reverse what the bank shows, step by step."""

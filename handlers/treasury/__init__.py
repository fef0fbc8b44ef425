"""Fund holders list bank entries and discrepancies by commands."""

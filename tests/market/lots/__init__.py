"""The harvest of a pre-order: its window, its seller's word, and how it ends."""

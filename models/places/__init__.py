"""Keep the tree of regions from province to village, with those that have ended."""

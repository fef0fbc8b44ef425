"""Who is erased is in nothing, and the sums stay as they were."""

"""People have their data erased, and the sums of money stay as they were."""

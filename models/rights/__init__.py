"""People can have their personal data erased; the sums of money stay."""

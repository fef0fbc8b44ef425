"""What must be true of goods that are given away: their stock, rounds and matches."""

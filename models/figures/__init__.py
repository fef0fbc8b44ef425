"""Count what has happened, by region and month: deltas written in the turn, folded later into sums that are public."""

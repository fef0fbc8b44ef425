"""Stock is what is there of a thing that is given away or sold, kept as a ledger of moves."""

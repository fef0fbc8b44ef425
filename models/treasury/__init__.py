"""Fund holders enter what the bank shows, and reconcile the pay channel's bills with the ledger."""

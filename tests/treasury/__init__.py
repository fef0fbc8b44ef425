"""Bank entries and the pay channel's bills agree with the ledger."""

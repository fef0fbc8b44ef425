"""What must be true of money: the ledger, gifts and their refunds, pools, payouts and banks."""

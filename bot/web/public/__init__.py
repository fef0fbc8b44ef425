"""These pages are for everybody: what is public of appeals, the ledger, public notices, figures, and what this is."""

"""These processes check the books and export the public ledger."""

"""Donors repeat a gift, write to the family, ask for a receipt, and trace their money."""

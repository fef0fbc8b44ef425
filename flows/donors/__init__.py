"""Donors set up a recurring gift, write to a family and get a receipt, step by step."""

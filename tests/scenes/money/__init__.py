"""Scenes of money: gifts and refunds, disbursements, matching pools, bank entries, bills and what cannot be placed."""

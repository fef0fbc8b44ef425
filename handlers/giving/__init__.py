"""Donors and sponsors look at pledges and matching pools by commands."""

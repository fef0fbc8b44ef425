"""Staff verify that a household is in need: cases, visits, public notices, objections, decisions."""

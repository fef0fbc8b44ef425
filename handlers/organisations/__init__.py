"""People see the organisations for which they speak; the county decides on them."""

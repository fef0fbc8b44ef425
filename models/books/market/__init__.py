"""What must be true of what is sold: orders, lots, campaigns, and the money of orders."""

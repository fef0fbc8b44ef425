"""What readers read, and what notices say at their longest."""

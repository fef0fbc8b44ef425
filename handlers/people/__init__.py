"""Answer the commands by which people see their own things."""

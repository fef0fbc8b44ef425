"""These programs run beside this one and end with it."""

"""Programs that run beside this one and end with it."""

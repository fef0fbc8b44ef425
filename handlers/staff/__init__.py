"""Answer the commands by which staff list, read and decide their tasks, and manage seats."""

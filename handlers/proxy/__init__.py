"""Officers and residents list and undo acts by mandate by commands."""

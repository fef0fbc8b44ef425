"""People see what is theirs by commands."""

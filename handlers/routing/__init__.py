"""The router finds out what a message wants, and hands it to a command or a conversation."""

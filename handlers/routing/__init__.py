"""Route messages: find out what a message means, and hand it to a command or a conversation."""

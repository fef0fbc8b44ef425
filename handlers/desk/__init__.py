"""Staff sign in at the desk from the chat."""

"""People speak: the bot listens with their consent, asks whether it heard right, and takes the words as if typed."""

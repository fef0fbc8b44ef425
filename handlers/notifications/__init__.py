"""Answer the commands by which people read, accept and turn off notifications."""

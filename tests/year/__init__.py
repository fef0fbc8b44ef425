"""A county's life, played from outside: its people know the bot only by what their phones show them."""

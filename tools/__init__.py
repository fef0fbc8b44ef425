"""Programs that the maintainers run by hand. Nothing of the bot imports them."""
